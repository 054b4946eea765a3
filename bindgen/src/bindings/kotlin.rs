//! What the generator writes for Kotlin, made fit for applications.
//!
//! 1. What `kotlin-package/src` replaces by hand becomes internal: names that begin with `raw` (`uniffi.toml`), and the cancel token,
//!    for which Kotlin has coroutines.
//! 2. `close()`, and so `use { }`, of what can be shut down shuts it down. It holds no lock meanwhile: a shutdown calls out.
//! 3. A callback that throws an `Error` has failed, as one that throws an `Exception`: by itself it would have succeeded.
//! 4. A call after `close()` throws a type of its own, with the name of the class in it: by itself it would have thrown what a
//!    cancelled coroutine throws, too, without the name where the object is an adapter's.
//! 5. Documentation names things as Kotlin does.
//! 6. Calls cost no structure of JNA's each: `statuses`.
//! 7. What packets are, by `uniffi.toml`, is added: `lent.kt`.
//! 8. A result that comes together with the cancellation of its coroutine is let go of: by itself its memory would be lost.
//! 9. What is closed cannot be an argument, of `equals` neither: by itself native code would read memory that is another's.
//! 10. Records that carry bytes are equal by what is in them: `records`.
//!
//! The generated text has no tree to work on, so each change looks for whole lines and fails when there are not as many as expected.

mod records;
mod statuses;

use std::{collections::HashSet, fs};

use anyhow::{Result, ensure};
use camino::Utf8Path;
use heck::ToLowerCamelCase;

/// Rewrites the generated file below `folder`.
pub(crate) fn refine(folder: &Utf8Path) -> Result<()> {
    let file = folder.join(FILE);
    let text = fs::read_to_string(&file)?;
    fs::write(&file, refined(&text)?)?;
    Ok(())
}

fn refined(text: &str) -> Result<String> {
    let text = hide_raw_methods(text)?;
    let text = hide_cancel_token(&text)?;
    let text = shut_down_on_close(&text)?;
    let text = catch_everything(&text)?;
    let text = let_go_of_results(&text)?;
    let text = lower_what_is_open(&text)?;
    let text = name_what_is_closed(&text)?;
    let text = statuses::keep(&text)?;
    let text = records::compare_contents(&text)?;
    Ok(spell_documentation(&text) + LENT)
}

/// Takes raw methods out of the interfaces, and makes those of the classes internal.
fn hide_raw_methods(text: &str) -> Result<String> {
    let mut lines: Vec<String> = Vec::new();
    let (mut declared, mut hidden) = (0, 0);
    for line in text.lines() {
        let declaration = line.trim_start();
        if declaration.starts_with("fun `raw") || declaration.starts_with("suspend fun `raw") {
            declared += 1;
            drop_documentation(&mut lines);
        } else if line.contains("override fun `raw") || line.contains("override suspend fun `raw") {
            hidden += 1;
            lines.push(line.replace("override ", "internal "));
        } else {
            lines.push(line.to_owned());
        }
    }
    ensure!(declared == hidden, "{declared} raw methods are declared and {hidden} defined");
    Ok(lines.join("\n") + "\n")
}

/// Removes the documentation that ends `lines`.
fn drop_documentation(lines: &mut Vec<String>) {
    if lines.last().is_some_and(|line| line.trim() == "*/") {
        while lines.pop().is_some_and(|line| line.trim() != "/**") {}
    }
}

fn hide_cancel_token(text: &str) -> Result<String> {
    let mut text = text.to_owned();
    for declaration in CANCEL_TOKEN {
        let public = format!("\n{declaration}");
        ensure!(
            text.contains(&public) || !text.contains("RawCancelToken"),
            "{declaration} is gone"
        );
        let name = declaration.trim_start_matches("public ");
        text = text.replace(&public, &format!("\ninternal {name}"));
    }
    Ok(text)
}

fn shut_down_on_close(text: &str) -> Result<String> {
    let classes: Vec<_> = text.split("\nopen class ").collect();
    let refined = classes.iter().map(|class| {
        if !class.contains("override fun `shutdown`()") {
            return Ok((*class).to_owned());
        }
        ensure!(class.contains(CLOSE), "{:?} has another close()", class.lines().next());
        Ok(class.replacen(CLOSE, SHUT_DOWN_AND_CLOSE, 1))
    });
    Ok(refined.collect::<Result<Vec<_>>>()?.join("\nopen class "))
}

fn catch_everything(text: &str) -> Result<String> {
    let found = text.matches(CATCH_EXCEPTION).count();
    ensure!(found == 2, "callbacks are caught in {found} places instead of 2");
    Ok(text.replace(CATCH_EXCEPTION, "} catch(e: kotlin.Throwable) {"))
}

fn let_go_of_results(text: &str) -> Result<String> {
    let found = text.matches(FREE).count();
    ensure!(found == 1, "futures are freed in {found} places instead of 1");
    Ok(text.replace(FREE, LET_GO_AND_FREE))
}

fn lower_what_is_open(text: &str) -> Result<String> {
    ensure!(text.contains(LOWER), "objects are lowered in other words");
    Ok(text.replace(LOWER, LOWER_IF_OPEN))
}

fn name_what_is_closed(text: &str) -> Result<String> {
    let mut pieces = text.split(CALLED_AFTER_CLOSE);
    let mut named = pieces.next().unwrap_or_default().to_owned();
    let mut classes = 0;
    for piece in pieces {
        let class = named.rsplit("open class ").next().and_then(|class| class.split(':').next());
        let throw = format!("throw ClosedException(\"{}\")", class.unwrap_or_default());
        named += &throw;
        named += piece;
        classes += 1;
    }
    ensure!(classes > 0, "classes say in other words that they are closed");
    Ok(named + CLOSED_EXCEPTION)
}

/// In comments, `try_push` becomes `tryPush` and `PushFrameError` becomes `PushFrameException`, if Kotlin has a thing of that name.
fn spell_documentation(text: &str) -> String {
    let known: HashSet<&str> = text.split('`').skip(1).step_by(2).collect();
    let known = |name: &str| known.contains(name) || text.contains(&format!("class {name}"));
    let is_comment = |line: &str| line.trim_start().starts_with("* ");
    let lines = text.lines().map(|line| match is_comment(line) {
        true => spell(line, known),
        false => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n") + "\n"
}

/// Spells what stands between backticks.
fn spell(line: &str, known: impl Fn(&str) -> bool) -> String {
    let words = line.split('`').enumerate().map(|(position, word)| {
        let names = word.split('.').map(|name| match name.strip_suffix("Error") {
            Some(family) if known(&format!("{family}Exception")) => format!("{family}Exception"),
            _ if known(&name.to_lower_camel_case()) => name.to_lower_camel_case(),
            _ => name.to_owned(),
        });
        if position % 2 == 1 { names.collect::<Vec<_>>().join(".") } else { word.to_owned() }
    });
    words.collect::<Vec<_>>().join("`")
}

/// Where the generator puts the package `io.datatracks`.
const FILE: &str = "io/datatracks/datatracks.kt";

const CANCEL_TOKEN: &[&str] = &[
    "public interface RawCancelTokenInterface",
    "open class RawCancelToken:",
    "public object FfiConverterTypeRawCancelToken:",
    "public object FfiConverterOptionalTypeRawCancelToken:",
];

/// In the two functions through which all callbacks go.
const CATCH_EXCEPTION: &str = "} catch(e: kotlin.Exception) {";

/// Called by generated code, and so compiled with it.
pub(crate) const LENT: &str = include_str!("kotlin/lent.kt");

const CLOSE: &str = "    @Synchronized
    override fun close() {
        this.destroy()
";
const SHUT_DOWN_AND_CLOSE: &str = "    override fun close() {
        try {
            shutdown()
        } catch (_: ClosedException) {
            // It is closed already.
        }
        this.destroy()
";

const FREE: &str = "    } finally {
        freeFunc(rustFuture)
";
const LET_GO_AND_FREE: &str = "    } catch (cancelled: kotlin.coroutines.cancellation.CancellationException) {
        try {
            liftFunc(uniffiRustCallWithError(errorHandler, { status -> completeFunc(rustFuture, status) }))
        } catch (_: kotlin.Exception) {
            // There was no result.
        }
        throw cancelled
    } finally {
        freeFunc(rustFuture)
";

const LOWER: &str = "return value.uniffiCloneHandle()";
const LOWER_IF_OPEN: &str = "return value.callWithHandle { it }";

const CALLED_AFTER_CLOSE: &str = r#"throw IllegalStateException("${this.javaClass.simpleName} object has already been destroyed")"#;
/// Thrown by generated code, and so compiled with it.
pub(crate) const CLOSED_EXCEPTION: &str = r#"
/**
 * Something was called on an object after its `close()`: the caller's mistake, and no state of the track or the room. After `shutdown()`
 * alone, calls answer with errors of their own.
 */
public class ClosedException internal constructor(what: String) : IllegalStateException("$what is closed: nothing can be called on it any more")
"#;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_is_replaced_by_hand_is_internal() {
        let generated = "public interface TrackInterface {
    /**
     * Waits.
     */
    suspend fun `rawSend`(`frame`: Frame)
    fun `unpublish`()
}
open class Track: TrackInterface
{
    @Throws(E::class)override suspend fun `rawSend`(`frame`: Frame)
";
        let refined = hide_raw_methods(generated).unwrap();
        assert!(!refined.contains("Waits.") && refined.contains("fun `unpublish`"));
        assert!(
            refined.contains("internal suspend fun `rawSend`") && !refined.contains("override")
        );
    }

    #[test]
    fn a_definition_without_its_declaration_is_noticed() {
        assert!(hide_raw_methods("    override fun `rawTryPush`()\n").is_err());
    }

    #[test]
    fn closing_shuts_down_what_can_be() {
        let stream = format!("\nopen class Stream\n{CLOSE}    }}\n    override fun `shutdown`()\n");
        let track = format!("\nopen class Track\n{CLOSE}    }}\n");
        let refined = shut_down_on_close(&(stream + &track)).unwrap();
        assert_eq!(refined.matches("            shutdown()\n").count(), 1);
        assert!(
            refined.starts_with("\nopen class Stream\n    override fun close() {\n        try")
        );
        assert!(shut_down_on_close("\nopen class Other\n override fun `shutdown`()").is_err());
    }

    #[test]
    fn callbacks_catch_everything() {
        let callback = format!("try {{\n{CATCH_EXCEPTION}\n}}\n");
        let refined = catch_everything(&callback.repeat(2)).unwrap();
        assert_eq!(refined.matches("kotlin.Throwable").count(), 2);
        assert!(catch_everything(&callback).is_err());
    }

    #[test]
    fn results_that_nobody_gets_are_let_go_of() {
        let refined = let_go_of_results(&format!("    try {{\n{FREE}    }}\n")).unwrap();
        assert!(refined.contains("completeFunc(rustFuture, status)") && refined.contains(FREE));
        assert!(let_go_of_results(&FREE.repeat(2)).is_err());
    }

    #[test]
    fn what_is_closed_is_no_argument() {
        let refined = lower_what_is_open(&format!("        {LOWER}\n").repeat(2)).unwrap();
        assert!(!refined.contains("uniffiCloneHandle"));
        assert!(lower_what_is_open("return value.handle").is_err());
    }

    #[test]
    fn what_is_closed_has_its_name() {
        let class = format!("\nopen class Track: Disposable\n        {CALLED_AFTER_CLOSE}\n");
        let refined = name_what_is_closed(&class).unwrap();
        assert!(refined.contains("throw ClosedException(\"Track\")"));
        assert!(name_what_is_closed("\nopen class Track\n").is_err());
    }

    #[test]
    fn documentation_is_in_words_of_kotlin() {
        let generated = " * As `try_push`; `PushFrameError.QueueFull` on `_data_track`.
sealed class PushFrameException
fun `tryPush`() // `try_push`
";
        let refined = spell_documentation(generated);
        assert!(
            refined
                .starts_with(" * As `tryPush`; `PushFrameException.QueueFull` on `_data_track`.\n")
        );
        assert!(refined.ends_with("// `try_push`\n"));
    }
}
