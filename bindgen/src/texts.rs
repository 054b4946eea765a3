//! Makes the text of an error what each language shows of an exception.
//!
//! UniFFI carries the fields of an error across and shows nothing else: `str`, `localizedDescription` and `message` are dumps of
//! them. So the library exports `text()` for each error, and here the generated code learns to ask for it.

use std::fs;

use anyhow::{Result, ensure};
use camino::Utf8Path;

use crate::bindings::Language;

/// Rewrites the generated file of one language.
pub(crate) fn show(language: Language, file: &Utf8Path) -> Result<()> {
    let (source, shown) = Dump::of(language).replace(&fs::read_to_string(file)?);
    ensure!(shown > 0, "{file}: errors are not generated as they used to be");
    fs::write(file, source)?;
    Ok(())
}

/// Where a language dumps the fields.
struct Dump {
    /// In a line that comes before it, or in the same.
    after: &'static str,
    /// How the line begins.
    begins: &'static str,
    /// What the line shall be.
    text: &'static str,
}

impl Dump {
    fn of(language: Language) -> Self {
        let (after, begins, text) = match language {
            Language::Python => ("def text(self", "def text(self", PYTHON_METHODS),
            Language::Swift => ("func text() -> String", "String(reflecting: self)", "text()"),
            Language::Kotlin | Language::All => {
                ("override val message", "get() = \"", "get() = text()")
            }
        };
        Self { after, begins, text }
    }

    /// The source that shows texts, and how many times it does.
    fn replace(&self, source: &str) -> (String, usize) {
        let (mut rewritten, mut shown, mut is_near) = (String::new(), 0, false);
        for line in source.lines() {
            is_near |= line.contains(self.after);
            let code = line.trim_start();
            if is_near && code.starts_with(self.begins) {
                rewritten.extend([line.strip_suffix(code).unwrap_or_default(), self.text]);
                (shown, is_near) = (shown + 1, false);
            } else {
                rewritten.push_str(line);
            }
            rewritten.push('\n');
        }
        (rewritten, shown)
    }
}

const PYTHON_METHODS: &str = "\
def __str__(self) -> str:
            return self.text()

        def text(self) -> str:";

#[cfg(test)]
mod tests {
    use super::*;

    fn replaced(language: Language, source: &str) -> (String, usize) {
        Dump::of(language).replace(source)
    }

    #[test]
    fn dumps_become_texts() {
        let kotlin = "  override val message\n    get() = \"length=${ `length` }\"\n";
        let shown = "  override val message\n    get() = text()\n";
        assert_eq!(replaced(Language::Kotlin, kotlin), (shown.into(), 1));
        let (python, shown) = replaced(Language::Python, "        def text(self, ) -> str:\n");
        assert!(
            python.starts_with("        def __str__(self) -> str:\n            return self.text()")
        );
        assert!(python.ends_with("\n        def text(self) -> str:\n") && shown == 1);
    }

    #[test]
    fn a_swift_error_without_text_keeps_its_dump() {
        let dump = "  String(reflecting: self)\n";
        let method = "public func text() -> String  {\n";
        let shown = format!("{dump}{method}  text()\n{dump}");
        let source = format!("{dump}{method}{dump}{dump}");
        assert_eq!(replaced(Language::Swift, &source), (shown, 1));
    }
}
