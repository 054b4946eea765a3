//! How a language writes what all of them have.

use heck::{ToLowerCamelCase, ToShoutySnakeCase, ToSnakeCase};
use uniffi_bindgen::interface::{DefaultValue, Literal, Type};

use crate::bindings::Language;

/// The words and types of a language.
pub(crate) struct Spelling {
    /// Functions, arguments and fields.
    pub(crate) member: fn(&str) -> String,
    /// Values of enums without fields.
    pub(crate) value: fn(&str) -> String,
    /// Variants of enums with fields.
    pub(crate) variant: fn(&str) -> String,
    /// Error types.
    pub(crate) error: fn(&str) -> String,
    pub(crate) function: &'static str,
    pub(crate) asynchronous: &'static str,
    pub(crate) constructor: &'static str,
    pub(crate) returns: &'static str,
    /// Borrowed bytes: without a copy.
    pub(crate) borrowed: &'static str,
    optional: fn(&str) -> String,
    list: fn(&str) -> String,
    null: &'static str,
    primitive: fn(&Type) -> Option<&'static str>,
}

/// The spelling of `language`.
pub(crate) fn of(language: Language) -> &'static Spelling {
    match language {
        Language::Python => &PYTHON,
        Language::Swift => &SWIFT,
        Language::Kotlin | Language::All => &KOTLIN,
    }
}

impl Spelling {
    /// The name of a type, without the word for its absence.
    pub(crate) fn type_name(&self, type_: &Type) -> String {
        match type_ {
            Type::Optional { inner_type } => (self.optional)(&self.type_name(inner_type)),
            Type::Sequence { inner_type } | Type::Set { inner_type } => {
                (self.list)(&self.type_name(inner_type))
            }
            Type::Box { inner_type } => self.type_name(inner_type),
            other => match ((self.primitive)(other), other.name()) {
                (Some(name), _) => name.into(),
                (None, Some(name)) if name.ends_with("Error") => (self.error)(name),
                (None, Some(name)) => name.into(),
                (None, None) => format!("{other:?}"),
            },
        }
    }

    /// What stands for an argument that is left out.
    pub(crate) fn default(&self, value: &DefaultValue) -> String {
        match value {
            DefaultValue::Default => "default".into(),
            DefaultValue::Literal(Literal::None) => self.null.into(),
            DefaultValue::Literal(Literal::Enum(name, _)) => (self.value)(name),
            DefaultValue::Literal(Literal::UInt(number, ..)) => number.to_string(),
            DefaultValue::Literal(Literal::Int(number, ..)) => number.to_string(),
            DefaultValue::Literal(Literal::Boolean(truth)) => truth.to_string(),
            DefaultValue::Literal(Literal::String(text)) => format!("{text:?}"),
            DefaultValue::Literal(other) => format!("{other:?}"),
        }
    }
}

fn same(name: &str) -> String {
    name.into()
}

const PYTHON: Spelling = Spelling {
    member: |name| name.to_snake_case(),
    value: |name| name.to_shouty_snake_case(),
    variant: |name| name.to_shouty_snake_case(),
    error: same,
    function: "def",
    asynchronous: "async ",
    constructor: "__init__",
    returns: " -> ",
    borrowed: "bytes",
    optional: |inner| format!("{inner} | None"),
    list: |inner| format!("list[{inner}]"),
    null: "None",
    primitive: |type_| match type_ {
        Type::Boolean => Some("bool"),
        Type::String => Some("str"),
        Type::Bytes => Some("bytes"),
        Type::UInt8 | Type::UInt32 | Type::UInt64 | Type::Int32 => Some("int"),
        _ => None,
    },
};

const SWIFT: Spelling = Spelling {
    member: |name| name.to_lower_camel_case(),
    value: |name| name.to_lower_camel_case(),
    variant: |name| name.to_lower_camel_case(),
    error: same,
    function: "func",
    asynchronous: "async ",
    constructor: "init",
    returns: " -> ",
    borrowed: "Data (borrowed)",
    optional: |inner| format!("{inner}?"),
    list: |inner| format!("[{inner}]"),
    null: "nil",
    primitive: |type_| match type_ {
        Type::Boolean => Some("Bool"),
        Type::String => Some("String"),
        Type::Bytes => Some("Data"),
        Type::UInt8 => Some("UInt8"),
        Type::UInt32 => Some("UInt32"),
        Type::UInt64 => Some("UInt64"),
        Type::Int32 => Some("Int32"),
        _ => None,
    },
};

const KOTLIN: Spelling = Spelling {
    member: |name| name.to_lower_camel_case(),
    value: |name| name.to_shouty_snake_case(),
    variant: same,
    error: |name| format!("{}Exception", name.trim_end_matches("Error")),
    function: "fun",
    asynchronous: "suspend ",
    constructor: "constructor",
    returns: ": ",
    borrowed: "ByteBuffer",
    optional: |inner| format!("{inner}?"),
    list: |inner| format!("List<{inner}>"),
    null: "null",
    primitive: |type_| match type_ {
        Type::Boolean => Some("Boolean"),
        Type::String => Some("String"),
        Type::Bytes => Some("ByteArray"),
        Type::UInt8 => Some("UByte"),
        Type::UInt32 => Some("UInt"),
        Type::UInt64 => Some("ULong"),
        Type::Int32 => Some("Int"),
        _ => None,
    },
};
