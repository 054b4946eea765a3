//! An interface as text: one line a type, a function, a field or a variant, sorted as declared.

use uniffi_bindgen::{
    ComponentInterface,
    interface::{
        Argument, AsType, Callable, CallbackInterface, Enum, Field, Object, Record, Type,
        UniffiTraitMethods,
    },
};

use super::{Aliases, spelling::Spelling};

/// The whole surface. `aliases`: what custom types are, but for those that are as the interface says.
pub(crate) fn dump(
    interface: &ComponentInterface,
    aliases: &Aliases,
    spelling: &Spelling,
) -> String {
    let mut dump = Dump { interface, spelling, text: String::new() };
    for function in interface.function_definitions() {
        dump.callable("", spelling.function, function.name(), function);
    }
    for type_ in interface.iter_local_types() {
        if let Type::Custom { name, builtin, .. } = type_ {
            let meant = aliases.get(name).cloned();
            let meant = meant.unwrap_or_else(|| spelling.type_name(builtin));
            dump.line(&format!("type {name} = {meant}"));
        }
    }
    // What a language's package replaces by hand is called raw there, and internal to it: `kotlin::generated`.
    let public = |object: &&Object| !object.name().starts_with("Raw");
    interface.object_definitions().iter().filter(public).for_each(|object| dump.object(object));
    let for_hosts = interface.callback_interface_definitions();
    for_hosts.iter().for_each(|one| dump.callback_interface(one));
    interface.record_definitions().iter().for_each(|record| dump.record(record));
    interface.enum_definitions().iter().for_each(|one| dump.enumeration(one));
    dump.text
}

struct Dump<'a> {
    interface: &'a ComponentInterface,
    spelling: &'a Spelling,
    text: String,
}

impl Dump<'_> {
    fn callback_interface(&mut self, one: &CallbackInterface) {
        self.line(&format!("\n{FOR_HOSTS} {}", one.name()));
        for method in one.methods() {
            self.callable("    ", self.spelling.function, method.name(), method);
        }
    }

    fn object(&mut self, object: &Object) {
        let kind = if object.has_callback_interface() { FOR_HOSTS } else { "class" };
        let traits = traits(&object.uniffi_trait_methods());
        self.line(&format!("\n{kind} {}{traits}", object.name()));
        for constructor in object.constructors() {
            let name = match constructor.is_primary_constructor() {
                true => self.spelling.constructor.to_owned(),
                false => (self.spelling.member)(constructor.name()),
            };
            self.callable("    ", "", &name, constructor);
        }
        let public = |name: &str| !name.starts_with("raw_");
        for method in object.methods().into_iter().filter(|method| public(method.name())) {
            self.callable("    ", self.spelling.function, method.name(), method);
        }
    }

    fn record(&mut self, record: &Record) {
        self.line(&format!("\nrecord {}", record.name()));
        record.fields().iter().for_each(|field| {
            let field = self.field(field);
            self.line(&format!("    {field}"));
        });
        for method in record.methods() {
            self.callable("    ", self.spelling.function, method.name(), method);
        }
    }

    fn enumeration(&mut self, one: &Enum) {
        let is_error = self.interface.is_name_used_as_error(one.name());
        let name = self.spelling.type_name(&one.as_type());
        self.line(&format!("\n{} {name}", if is_error { "error" } else { "enum" }));
        let spelled = match (is_error, one.is_flat()) {
            (true, _) => str::to_owned,
            (false, true) => self.spelling.value,
            (false, false) => self.spelling.variant,
        };
        for variant in one.variants() {
            let fields: Vec<_> = variant.fields().iter().map(|field| self.field(field)).collect();
            let fields = match fields.is_empty() {
                true => String::new(),
                false => format!("({})", fields.join(", ")),
            };
            self.line(&format!("    {}{fields}", spelled(variant.name())));
        }
        for method in one.methods() {
            self.callable("    ", self.spelling.function, method.name(), method);
        }
    }

    fn callable(&mut self, indent: &str, word: &str, name: &str, callable: &impl Callable) {
        let Spelling { asynchronous, constructor, returns, .. } = self.spelling;
        let is_constructor = name == *constructor;
        let name = if is_constructor { name.into() } else { (self.spelling.member)(name) };
        let prefix = if callable.is_async() { asynchronous } else { "" };
        let word = if word.is_empty() { String::new() } else { format!("{word} ") };
        let arguments: Vec<_> =
            callable.arguments().iter().map(|argument| self.argument(argument)).collect();
        let result = callable.return_type().filter(|_| !is_constructor);
        let result = result.map(|type_| format!("{returns}{}", self.spelling.type_name(type_)));
        let throws = callable
            .throws_type()
            .map(|error| format!(" throws {}", self.spelling.type_name(error)));
        self.line(&format!(
            "{indent}{prefix}{word}{name}({}){}{}",
            arguments.join(", "),
            result.unwrap_or_default(),
            throws.unwrap_or_default()
        ));
    }

    fn argument(&self, argument: &Argument) -> String {
        let type_ = match argument.is_borrowed_bytes() {
            true => self.spelling.borrowed.to_owned(),
            false => self.spelling.type_name(&argument.as_type()),
        };
        let default =
            argument.default_value().map(|value| format!(" = {}", self.spelling.default(value)));
        format!(
            "{}: {type_}{}",
            (self.spelling.member)(argument.name()),
            default.unwrap_or_default()
        )
    }

    fn field(&self, field: &Field) -> String {
        let type_ = self.spelling.type_name(&field.as_type());
        let default =
            field.default_value().map(|value| format!(" = {}", self.spelling.default(value)));
        format!("{}: {type_}{}", (self.spelling.member)(field.name()), default.unwrap_or_default())
    }

    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }
}

fn traits(methods: &UniffiTraitMethods) -> String {
    let known = [
        ("equatable", methods.eq_eq.is_some()),
        ("hashable", methods.hash_hash.is_some()),
        ("printable", methods.display_fmt.is_some()),
        ("comparable", methods.ord_cmp.is_some()),
    ];
    let names: Vec<_> = known.iter().filter(|(_, has)| *has).map(|(name, _)| *name).collect();
    if names.is_empty() { String::new() } else { format!(": {}", names.join(", ")) }
}

/// What a host implements.
const FOR_HOSTS: &str = "interface for hosts";

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::{bindings::Language, surface::spelling};

    fn dump_udl(udl: &str, language: Language) -> String {
        let interface = ComponentInterface::from_webidl(udl, "sample").unwrap();
        dump(&interface, &Aliases::new(), spelling::of(language))
    }

    #[test]
    fn each_language_spells_its_own_way() {
        assert_eq!(dump_udl(UDL, Language::Python), PYTHON);
        assert_eq!(dump_udl(UDL, Language::Swift), SWIFT);
        assert_eq!(dump_udl(UDL, Language::Kotlin), KOTLIN);
    }

    #[test]
    fn every_change_shows() {
        let changes = [
            ("max_age = 7", "max_age = 8"),
            ("u64 max_age", "u32 max_age"),
            ("[Throws=PushError]\n", ""),
            ("FrameTooLarge(u64 max)", "FrameTooLarge(u64 least)"),
            ("[ByRef] bytes", "bytes"),
        ];
        for (before, after) in changes {
            assert!(UDL.contains(before), "{before}");
            let changed = dump_udl(&UDL.replace(before, after), Language::Kotlin);
            assert_ne!(changed, KOTLIN, "{before} → {after}");
        }
    }

    const UDL: &str = "namespace sample {};
interface Track {
    [Throws=PushError]
    boolean try_push([ByRef] bytes payload, optional Mode? mode = null);
};
callback interface Sink { void log(string text); };
dictionary Options { u64 max_age = 7; };
enum Mode { \"DropOldest\" };
[Error] interface PushError { FrameTooLarge(u64 max); };
";

    const PYTHON: &str = "
class Track
    def try_push(payload: bytes, mode: Mode | None = None) -> bool throws PushError

interface for hosts Sink
    def log(text: str)

record Options
    max_age: int = 7

enum Mode
    DROP_OLDEST

error PushError
    FrameTooLarge(max: int)
";

    const SWIFT: &str = "
class Track
    func tryPush(payload: Data (borrowed), mode: Mode? = nil) -> Bool throws PushError

interface for hosts Sink
    func log(text: String)

record Options
    maxAge: UInt64 = 7

enum Mode
    dropOldest

error PushError
    FrameTooLarge(max: UInt64)
";

    const KOTLIN: &str = "
class Track
    fun tryPush(payload: ByteBuffer, mode: Mode? = null): Boolean throws PushException

interface for hosts Sink
    fun log(text: String)

record Options
    maxAge: ULong = 7

enum Mode
    DROP_OLDEST

error PushException
    FrameTooLarge(max: ULong)
";
}
