//! Records that carry bytes are equal by what is in them: by themselves data classes would compare arrays by where they are.

use anyhow::{Context, Result, ensure};

/// Adds `equals` and `hashCode` to each record with a field of bytes.
pub(super) fn compare_contents(text: &str) -> Result<String> {
    let mut pieces = text.split(RECORD);
    let mut refined = pieces.next().unwrap_or_default().to_owned();
    let mut compared = 0;
    for piece in pieces {
        let (head, body) = piece.split_once(BODY).context("a record has no body")?;
        refined += RECORD;
        refined += head;
        refined += BODY;
        let name = head.split_whitespace().next().unwrap_or_default();
        let fields: Vec<_> = head.lines().filter_map(field).collect();
        if fields.iter().any(|(_, is_bytes)| *is_bytes) {
            refined += &comparison(name, &fields);
            compared += 1;
        }
        refined += body;
    }
    ensure!(
        compared > 0 || !BYTES.iter().any(|bytes| text.contains(bytes)),
        "fields of bytes are declared in other words"
    );
    Ok(refined)
}

/// ``val `salt`: kotlin.ByteArray? = null``: its name, and whether it is bytes.
fn field(line: &str) -> Option<(&str, bool)> {
    let (name, declared) = line.trim_start().strip_prefix("val ")?.split_once(": ")?;
    let declared = declared.split_whitespace().next()?.trim_end_matches('?');
    Some((name, BYTES.contains(&declared)))
}

fn comparison(name: &str, fields: &[(&str, bool)]) -> String {
    let each = |of: fn(&str) -> String, of_bytes: fn(&str) -> String, between: &str| {
        let one =
            |(name, is_bytes): &(&str, bool)| if *is_bytes { of_bytes(name) } else { of(name) };
        fields.iter().map(one).collect::<Vec<_>>().join(between)
    };
    let same = each(
        |name| format!("{name} == other.{name}"),
        |name| format!("{name}.contentEquals(other.{name})"),
        " && ",
    );
    let hashed = each(str::to_owned, |name| format!("{name}.contentHashCode()"), ", ");
    format!(
        "
    override fun equals(other: Any?): Boolean = other is {name} && {same}

    override fun hashCode(): Int = java.util.Objects.hash({hashed})
"
    )
}

const RECORD: &str = "\ndata class ";
/// What ends the fields of a record.
const BODY: &str = "\n){";
/// How a field of bytes is declared: by itself, and by the name that `uniffi.toml` gives to those of frames.
const BYTES: &[&str] = &["kotlin.ByteArray", "Payload"];

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_compared_by_their_contents() {
        let generated = "
data class Frame (
    /**
     * val of nothing: kotlin.ByteArray
     */
    val `payload`: Payload
    , 
    val `salt`: kotlin.ByteArray? = null 
    , 
    val `index`: kotlin.UByte
    
){
    companion object
}

data class Plain (
    val `index`: kotlin.UByte
){
}
";
        let refined = compare_contents(generated).unwrap();
        let same = "other is Frame && `payload`.contentEquals(other.`payload`) && `salt`.contentEquals(other.`salt`) && `index` == other.`index`\n";
        assert!(refined.contains(same), "{refined}");
        let hashed = "hash(`payload`.contentHashCode(), `salt`.contentHashCode(), `index`)\n";
        assert!(refined.contains(hashed), "{refined}");
        assert_eq!(refined.matches("override").count(), 2);
        assert_eq!(refined.matches("data class").count(), 2);
    }

    #[test]
    fn bytes_in_other_words_are_noticed() {
        assert!(compare_contents("\ndata class Frame (val x: kotlin.ByteArray\n){").is_err());
    }
}
