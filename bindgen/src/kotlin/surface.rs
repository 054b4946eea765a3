//! What `kotlin-package/src` declares by hand, as text: explicit API mode makes every declaration of it begin with `public`.

use std::fs;

use anyhow::Result;

use crate::{bindings, files, project::Project};

/// All public declarations, file by file, without their bodies and documentation.
pub(crate) fn by_hand(project: &Project) -> Result<String> {
    let beside = [bindings::kotlin::CLOSED_EXCEPTION, bindings::kotlin::LENT];
    let beside = beside.map(|source| declarations(source).concat()).concat();
    let mut text = format!("\nby hand: beside what is generated\n{beside}");
    for file in files::below(&project.root.join("kotlin-package/src/main/kotlin"))? {
        let declared = declarations(&fs::read_to_string(&file)?);
        if !declared.is_empty() {
            let name = file.file_name().unwrap_or_default();
            text += &format!("\nby hand: {name}\n{}", declared.concat());
        }
    }
    Ok(text)
}

/// Each from `public` to its body, on a line of its own. Members stand further in than what holds them.
fn declarations(source: &str) -> Vec<String> {
    let mut rest = source;
    let mut found = Vec::new();
    while let Some((before, after)) = rest.split_once("public ") {
        let margin = before.rsplit('\n').next().unwrap_or_default();
        if margin.trim().is_empty() {
            found.push(format!("    {margin}{}\n", head(after)));
        }
        rest = after;
    }
    found
}

/// A declaration up to its body: what follows outside of all parentheses, or the end of the line.
fn head(declaration: &str) -> String {
    let mut depth = 0;
    let end = declaration.char_indices().find(|(_, letter)| {
        depth += i32::from(*letter == '(') - i32::from(*letter == ')');
        depth == 0 && matches!(letter, '=' | '{' | '\n')
    });
    let end = end.map_or(declaration.len(), |(position, _)| position);
    let head = declaration.get(..end).unwrap_or_default();
    let words: Vec<_> = head.split_whitespace().collect();
    words.join(" ").replace("( ", "(").replace(", )", ")")
}

#[cfg(test)]
mod tests {
    use super::declarations;

    #[test]
    fn declarations_are_read_without_bodies() {
        let source = "/** Of the public. */
public interface Events {
    public fun onEnd(
        track: Track,
    ) {}
}
private fun hidden() {}
public fun push(length: Int = 7): Unit = rawPush(length)
";
        let expected = [
            "    interface Events\n",
            "        fun onEnd(track: Track)\n",
            "    fun push(length: Int = 7): Unit\n",
        ];
        assert_eq!(declarations(source), expected);
    }
}
