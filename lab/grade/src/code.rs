// SPDX-License-Identifier: MIT OR Apache-2.0
//! C as text: its code without comments, its names, what it includes. It is not compiled for this.

use std::{collections::HashSet, sync::LazyLock};

use lab_base::pattern;
use regex::Regex;

static INCLUDE: LazyLock<Regex> =
    LazyLock::new(|| pattern(r#"(?m)^[ \t]*#[ \t]*include[ \t]*[<"]([^>"\n]+)[>"]"#));
static NAME: LazyLock<Regex> = LazyLock::new(|| pattern(r"[A-Za-z_]\w*"));
static DIRECTIVE: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?m)^[ \t]*#(?:.*\\\r?\n)*.*$"));

/// The headers, or sources, that a file includes.
pub(crate) fn includes(contents: &[u8]) -> Vec<String> {
    INCLUDE
        .captures_iter(&String::from_utf8_lossy(contents))
        .map(|found| found[1].to_owned())
        .collect()
}

/// The code without comments, and with its string and character literals empty.
pub(crate) fn code_of(contents: &[u8]) -> String {
    stripped(contents, false)
}

/// The code without comments.
pub(crate) fn code_with_literals(contents: &[u8]) -> String {
    stripped(contents, true)
}

fn stripped(contents: &[u8], keep_literals: bool) -> String {
    let text = String::from_utf8_lossy(contents);
    let mut code = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match (c, rest.peek()) {
            ('/', Some('/')) => while rest.next_if(|&c| c != '\n').is_some() {},
            ('/', Some('*')) => {
                rest.next();
                let mut before = ' ';
                for c in rest.by_ref() {
                    if (before, c) == ('*', '/') {
                        break;
                    }
                    before = c;
                }
                code.push(' ');
            }
            ('"' | '\'', _) => {
                code.push(c);
                let mut escaped = false;
                // A literal ends with its line at the latest.
                while let Some(next) = rest.next_if(|&c| c != '\n' || escaped) {
                    if next == c && !escaped {
                        break;
                    }
                    code.extend(keep_literals.then_some(next));
                    escaped = next == '\\' && !escaped;
                }
                code.push(c);
            }
            _ => code.push(c),
        }
    }
    code
}

/// All names in a piece of code.
pub(crate) fn names(code: &str) -> HashSet<&str> {
    NAME.find_iter(code).map(|found| found.as_str()).collect()
}

/// The names that a source defines for other sources.
#[derive(Debug, Default)]
pub(crate) struct Globals {
    pub(crate) functions: HashSet<String>,
    pub(crate) variables: HashSet<String>,
}

impl Globals {
    pub(crate) fn all(&self) -> impl Iterator<Item = &String> {
        self.functions.iter().chain(&self.variables)
    }
}

/// The functions and variables that a source defines for other sources.
pub(crate) fn globals(code: &str) -> Globals {
    let code = DIRECTIVE.replace_all(code, "");
    let mut found = Globals::default();
    // The part of a declaration outside of braces and parentheses.
    let mut declaration: Vec<&str> = Vec::new();
    let mut function = None;
    let (mut braces, mut parentheses) = (0_u32, 0_u32);
    let mut rest = &code[..];
    while let Some(first) = rest.chars().next() {
        if let Some(name) = NAME.find(rest).filter(|name| name.start() == 0) {
            if braces == 0 && parentheses == 0 {
                declaration.push(name.as_str());
            }
            rest = &rest[name.end()..];
            continue;
        }
        let is_hidden = ["static", "extern", "typedef"]
            .iter()
            .any(|word| declaration.contains(word));
        match first {
            '(' => {
                if braces == 0 && parentheses == 0 {
                    function = declaration.last().copied();
                }
                parentheses += 1;
            }
            ')' => parentheses = parentheses.saturating_sub(1),
            '{' => {
                if braces == 0 && !is_hidden {
                    found.functions.extend(function.take().map(str::to_owned));
                }
                braces += 1;
            }
            '}' => {
                braces = braces.saturating_sub(1);
                if braces == 0 {
                    (declaration, function) = (Vec::new(), None);
                }
            }
            '=' | '[' | ';' if braces == 0 && parentheses == 0 => {
                if declaration.len() > 1 && function.is_none() && !is_hidden {
                    let is_type = ["struct", "union", "enum"];
                    let is_variable = declaration.len() > 2 || !is_type.contains(&declaration[0]);
                    let name = declaration.last().filter(|_| is_variable);
                    found.variables.extend(name.map(|&name| name.to_owned()));
                }
                if first == ';' {
                    (declaration, function) = (Vec::new(), None);
                }
            }
            _ => {}
        }
        rest = &rest[first.len_utf8()..];
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_are_no_code() {
        let code = code_of(b"a // main(\nb /* module_init */ c \"main(\\\"\" 'x' d");
        assert_eq!(code, "a \nb   c \"\" '' d");
        let code = code_with_literals(b"a /* b */ '\\'' // c");
        assert_eq!(code, "a   '\\'' ");
    }

    #[test]
    fn globals_are_what_other_sources_can_use() {
        let code = "#include <x.h>\n#define M(a) \\\n  int hidden(a)\nstruct node { int field; };\n\
                    static int own(void) { return called(1); }\n\
                    struct node *find(struct node *n, int (*f)(int))\n{\n\tint local = 1;\n}\n\
                    extern int elsewhere;\nint declared(int x);\nint table[3] = { 1, 2 };\n\
                    const struct file_operations ops = { .open = own };\nMODULE_LICENSE(\"\");\n\
                    typedef int number;\nint count;\n";
        let Globals {
            functions,
            variables,
        } = globals(code);
        let mut variables: Vec<_> = variables.into_iter().collect();
        variables.sort_unstable();
        assert_eq!(variables, ["count", "ops", "table"]);
        assert_eq!(functions.into_iter().collect::<Vec<_>>(), ["find"]);
    }
}
