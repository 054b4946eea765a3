//! Makes the text of an error what each language shows of an exception.
//!
//! UniFFI carries the fields of an error across and shows nothing else: `str`, `localizedDescription` and `message` are dumps of
//! them. The texts stand in `src/error.rs`, with places for the fields. Here the generated code learns them, so that they cost
//! the library nothing.

use std::{collections::BTreeMap, fs};

use anyhow::{Context, Result, ensure};
use camino::Utf8Path;
use heck::ToLowerCamelCase;

use super::Language;
use crate::project::Project;

/// Rewrites the generated file of one language.
pub(crate) fn show(project: &Project, language: Language, file: &Utf8Path) -> Result<()> {
    let texts = Texts::parse(&fs::read_to_string(project.root.join("src/error.rs"))?)?;
    let (source, shown) = texts.write_into(language, &fs::read_to_string(file)?);
    let wanted = texts.0.len();
    ensure!(shown == wanted, "{file}: {shown} of {wanted} errors are generated as they used to be");
    fs::write(file, source)?;
    Ok(())
}

/// By the names of type and variant.
struct Texts(BTreeMap<(String, String), Text>);

/// What an error says: `{field}` stands for a field.
struct Text {
    template: String,
    fields: Vec<String>,
}

impl Texts {
    /// Reads the attributes of `thiserror`.
    fn parse(source: &str) -> Result<Self> {
        let mut texts = BTreeMap::new();
        for item in syn::parse_file(source)?.items {
            let syn::Item::Enum(one) = item else { continue };
            for variant in one.variants.iter().filter(|_| one.ident != WITH_A_MESSAGE_OF_ITS_OWN) {
                let name = (one.ident.to_string(), variant.ident.to_string());
                let attribute = variant.attrs.iter().find(|known| known.path().is_ident("error"));
                let attribute = attribute.with_context(|| format!("{name:?} has no text"))?;
                let template = attribute.parse_args::<syn::LitStr>()?.value();
                let fields = variant.fields.iter().filter_map(|field| field.ident.as_ref());
                let fields = fields.map(ToString::to_string).collect();
                texts.insert(name, Text { template, fields });
            }
        }
        Ok(Self(texts))
    }

    /// The source that shows texts, and how many it shows.
    fn write_into(&self, language: Language, source: &str) -> (String, usize) {
        let (mut written, mut shown) = (String::with_capacity(source.len()), 0);
        let mut at = Place::default();
        for line in source.lines() {
            at.follow(language, line);
            let here = match language {
                Language::Python => self.python(&at, line),
                Language::Swift => self.swift(&at, line),
                Language::Kotlin | Language::All => self.kotlin(&at, line),
            };
            let (text, count) = here.unwrap_or_else(|| (line.into(), 0));
            written.push_str(&text);
            written.push('\n');
            shown += count;
        }
        (written, shown)
    }

    fn at(&self, place: &Place) -> Option<&Text> {
        self.0.get(&(place.error.clone(), place.variant.clone()))
    }

    /// A method before one that every variant has.
    fn python(&self, at: &Place, line: &str) -> Option<(String, usize)> {
        let text = self.at(at).filter(|_| line.trim() == "def __repr__(self):")?;
        let text = text.fill(|field| format!("{{self.{field}}}"));
        let method =
            format!("        def __str__(self):\n            return f\"{text}\"\n\n{line}");
        Some((method, 1))
    }

    fn kotlin(&self, at: &Place, line: &str) -> Option<(String, usize)> {
        let text = self.at(at).filter(|_| line.trim().starts_with("get() = \""))?;
        let text = text.fill(|field| format!("${{ `{}` }}", field.to_lower_camel_case()));
        Some((format!("            get() = \"{text}\""), 1))
    }

    /// All variants in one place.
    fn swift(&self, at: &Place, line: &str) -> Option<(String, usize)> {
        if line.trim() != "String(reflecting: self)" {
            return None;
        }
        let variants: Vec<_> = self.0.iter().filter(|((error, _), _)| *error == at.error).collect();
        let cases = variants.iter().map(|((_, variant), text)| {
            let fields = text.fields.iter().map(|field| field.to_lower_camel_case());
            let fields = fields.map(|field| format!("let {field}")).collect::<Vec<_>>().join(", ");
            let fields = if fields.is_empty() { fields } else { format!("({fields})") };
            let text = text.fill(|field| format!("\\({})", field.to_lower_camel_case()));
            format!("        case .{variant}{fields}: return \"{text}\"\n")
        });
        let cases: String = cases.collect();
        (!cases.is_empty())
            .then(|| (format!("        switch self {{\n{cases}        }}"), variants.len()))
    }
}

impl Text {
    fn fill(&self, field: impl Fn(&str) -> String) -> String {
        let mut text = self.template.clone();
        for name in &self.fields {
            text = text.replace(&format!("{{{name}}}"), &field(name));
        }
        text
    }
}

/// Which error, and which variant of it, a line of generated code is about.
#[derive(Default)]
struct Place {
    error: String,
    variant: String,
}

impl Place {
    fn follow(&mut self, language: Language, line: &str) {
        let code = line.trim_start();
        match language {
            Language::Python => {
                let class = code.strip_prefix("class ").and_then(|code| code.strip_suffix("):"));
                if let Some((variant, error)) =
                    class.and_then(|class| class.split_once("(_UniffiTemp"))
                {
                    (self.error, self.variant) = (error.into(), variant.into());
                }
            }
            Language::Swift => {
                // `public` stands in the line before.
                let error = code.strip_prefix("enum ").and_then(|code| code.split_once(':'));
                error.into_iter().for_each(|(error, _)| self.error = error.into());
            }
            Language::Kotlin | Language::All => {
                let error = code.strip_prefix("sealed class ");
                if let Some((error, _)) = error.and_then(|code| code.split_once("Exception:")) {
                    self.error = format!("{error}Error");
                }
                let variant = code.strip_prefix("class ").and_then(|code| code.strip_suffix('('));
                variant.into_iter().for_each(|variant| self.variant = variant.into());
            }
        }
    }
}

/// Whoever throws it says what happened.
const WITH_A_MESSAGE_OF_ITS_OWN: &str = "DelegateError";

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const ERRORS: &str = r#"
        pub enum PushError {
            #[error("too large (max: {max_bytes})")]
            TooLarge { max_bytes: u64 },
            #[error("full")]
            Full,
        }
        pub enum DelegateError {
            Failed,
        }
    "#;

    fn written(language: Language, source: &str) -> (String, usize) {
        Texts::parse(ERRORS).unwrap().write_into(language, source)
    }

    #[test]
    fn python_gets_a_method_of_each_variant() {
        let source = "    class TooLarge(_UniffiTempPushError):\n        def __repr__(self):\n";
        let (python, shown) = written(Language::Python, source);
        assert!(
            python
                .contains("return f\"too large (max: {self.max_bytes})\"\n\n        def __repr__")
        );
        assert_eq!(shown, 1);
    }

    #[test]
    fn kotlin_gets_a_message() {
        let source = "sealed class PushException: kotlin.Exception() {\n    class TooLarge(\n  get() = \"maxBytes=\"\n";
        let (kotlin, shown) = written(Language::Kotlin, source);
        assert!(kotlin.ends_with("            get() = \"too large (max: ${ `maxBytes` })\"\n"));
        assert_eq!(shown, 1);
    }

    #[test]
    fn swift_gets_a_switch_where_there_are_texts() {
        let source = "public \nenum PushError: Swift.Error {\n  String(reflecting: self)\n";
        let (swift, shown) = written(Language::Swift, source);
        assert!(swift.contains(
            "        case .TooLarge(let maxBytes): return \"too large (max: \\(maxBytes))\"\n"
        ));
        assert!(swift.contains("        switch self {\n        case .Full: return \"full\"\n"));
        assert_eq!(shown, 2);
        let source = "public \nenum DelegateError: Swift.Error {\n  String(reflecting: self)\n";
        assert_eq!(written(Language::Swift, source), (source.into(), 0));
    }

    #[test]
    fn an_error_without_text_is_noticed() {
        assert!(Texts::parse("pub enum E { A }").is_err());
    }
}
