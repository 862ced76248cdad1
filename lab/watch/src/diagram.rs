// SPDX-License-Identifier: MIT OR Apache-2.0
//! The diagram of a stage: the first block of text in its walkthrough. Pure.

/// The lines of the first block that begins with ```` ```text ````.
pub(crate) fn first_text_block(page: &str) -> Option<Vec<String>> {
    let mut lines = page.lines().skip_while(|line| line.trim_end() != "```text");
    lines.next()?;
    let inside = lines.take_while(|line| !line.starts_with("```"));
    Some(inside.map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn each_stage_has_a_diagram_that_fits_a_terminal_of_80_columns() {
        let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        for stage in lab_stages::STAGES {
            let page = lab_stages::walkthrough::read(&checkout, stage.name).unwrap();
            let diagram = first_text_block(&page).unwrap();
            let widest = diagram.iter().max_by_key(|line| line.chars().count());
            let widest = widest.unwrap();
            assert!(widest.chars().count() <= 80, "{}: {widest}", stage.name);
        }
    }

    #[test]
    fn only_the_first_block_of_text_is_taken() {
        let page = "# A\n```guest\n# true\n```\n```text\na -> b\n\n  c\n```\n```text\nd\n```\n";
        let expected = ["a -> b", "", "  c"].map(str::to_owned);
        assert_eq!(first_text_block(page), Some(expected.into()));
        assert_eq!(first_text_block("```guest\n# true\n```\n"), None);
    }
}
