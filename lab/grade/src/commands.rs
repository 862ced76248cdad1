// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which expression of a submission is the ioctl command that chooses a channel: what the module's
//! handler compares with, what the programs pass, or a macro of a header. Text only; the compiler
//! computes the value.

use std::sync::LazyLock;

use lab_base::pattern;
use regex::Regex;

use crate::code::names;

/// The channel's macro in the contract.
pub(crate) const CHANNEL_NAME: &str = "MSG_SLOT_CHANNEL";

/// Expressions that are tried.
const TRIED_MAX: usize = 5;

static HANDLER: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"\b(?:unlocked_ioctl|compat_ioctl|ioctl)\s*[=:]\s*&?\s*([A-Za-z_]\w*)")
});
static CALL: LazyLock<Regex> = LazyLock::new(|| pattern(r"\bioctl\s*\("));
static CASE: LazyLock<Regex> = LazyLock::new(|| pattern(r"\bcase\b([^:;]+):"));
static MACRO: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?m)^[ \t]*#[ \t]*define[ \t]+(\w+)[ \t]+\(*_IO(?:R|W|WR)?[ \t]*\(")
});

/// Where an expression has been found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The handler of the module compares with it.
    Handler,
    /// It has the name that the contract gives it.
    Contract,
    /// The programs pass it.
    Programs,
    /// It is the only command in the headers.
    Header,
}

/// An expression that may be the command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Command {
    pub(crate) expression: String,
    pub(crate) origin: Origin,
}

/// The expressions that may be the command, the likeliest first. All code is without comments.
pub(crate) fn commands(module: &[String], programs: &[String], headers: &[String]) -> Vec<Command> {
    let mut compared = Vec::new();
    let mut in_handler = false;
    for (parameter, body) in module.iter().flat_map(|code| handlers(code, module)) {
        in_handler |= names(body).contains(CHANNEL_NAME);
        compared.extend(compared_with(body, &parameter));
    }
    let passed: Vec<String> = programs.iter().flat_map(|code| passed(code)).collect();
    let everywhere = || module.iter().chain(programs).chain(headers);
    let is_named = everywhere().any(|code| names(code).contains(CHANNEL_NAME));
    let mut macros: Vec<String> = (headers.iter().chain(module))
        .flat_map(|code| MACRO.captures_iter(code).map(|found| found[1].to_owned()))
        .collect();
    macros.sort_unstable();
    macros.dedup();

    let mut found = Vec::new();
    let mut add = |expression: &str, origin| {
        let is_new = |command: &&Command| command.expression == expression;
        if !found.iter().any(|command| is_new(&command)) {
            let expression = expression.to_owned();
            found.push(Command { expression, origin });
        }
    };
    if in_handler {
        add(CHANNEL_NAME, Origin::Contract);
    }
    // Of several, the one that the programs pass, then the one whose name says it.
    compared.sort_by_key(|expression| {
        let says = expression.to_lowercase().contains("channel");
        (!passed.contains(expression), !says)
    });
    for expression in &compared {
        add(expression, Origin::Handler);
    }
    if is_named {
        add(CHANNEL_NAME, Origin::Contract);
    }
    for expression in &passed {
        add(expression, Origin::Programs);
    }
    if let [only] = &macros[..] {
        add(only, Origin::Header);
    }
    found.truncate(TRIED_MAX);
    found
}

/// The handlers that a source names: their parameter of the command, and their bodies, which may be
/// in another source.
fn handlers<'a>(code: &str, module: &'a [String]) -> Vec<(String, &'a str)> {
    let mut found = Vec::new();
    for name in HANDLER.captures_iter(code) {
        let definition = pattern(&format!(r"\b{}\s*\(([^)]*)\)\s*\{{", &name[1]));
        for code in module {
            let Some(defined) = definition.captures(code) else {
                continue;
            };
            let parameters: Vec<_> = defined[1].split(',').collect();
            // Up to 2.6.35, the inode came first.
            let parameter = parameters
                .len()
                .checked_sub(2)
                .and_then(|at| parameters.get(at));
            let is_name = |c: char| c.is_alphanumeric() || c == '_';
            let parameter = parameter.and_then(|text| text.trim().rsplit(|c| !is_name(c)).next());
            let start = defined.get(0).map_or(0, |whole| whole.end());
            if let Some(parameter) = parameter.filter(|name| !name.is_empty()) {
                found.push((parameter.to_owned(), block(&code[start..])));
            }
        }
    }
    found
}

/// A block from behind its brace to the one that closes it.
fn block(code: &str) -> &str {
    let mut depth = 1_u32;
    for (at, c) in code.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return &code[..at];
        }
    }
    code
}

/// The expressions that a parameter is compared with, in order.
fn compared_with(body: &str, parameter: &str) -> Vec<String> {
    let mut found = Vec::new();
    let name = pattern(&format!(r"\b{parameter}\b"));
    for at in name.find_iter(body) {
        let (mut before, mut behind) =
            (body[..at.start()].trim_end(), body[at.end()..].trim_start());
        // In parentheses of its own.
        while let (Some(outer), Some(rest)) = (before.strip_suffix('('), behind.strip_prefix(')')) {
            if outer
                .trim_end()
                .ends_with(|c: char| c.is_alphanumeric() || c == '_')
            {
                break;
            }
            (before, behind) = (outer.trim_end(), rest.trim_start());
        }
        let signs = ["==", "!="];
        if let Some(rest) = signs.iter().find_map(|sign| behind.strip_prefix(sign)) {
            found.push(operand(rest));
        }
        if let Some(rest) = signs.iter().find_map(|sign| before.strip_suffix(sign)) {
            found.push(operand_before(rest));
        }
        let is_switch = before.trim_end_matches('(').trim_end().ends_with("switch");
        if let Some(rest) = behind
            .trim_start_matches(')')
            .trim_start()
            .strip_prefix('{')
            && is_switch
        {
            let cases = CASE.captures_iter(block(rest));
            found.extend(cases.map(|case| case[1].trim().to_owned()));
        }
    }
    found.retain(|expression| !expression.is_empty());
    found
}

/// The expression at the beginning of a text, up to the end of a comparison.
fn operand(text: &str) -> String {
    let mut depth = 0_u32;
    for (at, c) in text.char_indices() {
        let ends = match c {
            '(' => {
                depth += 1;
                false
            }
            ')' if depth > 0 => {
                depth -= 1;
                false
            }
            ')' | ';' | '{' | '?' => true,
            ',' => depth == 0,
            '&' | '|' => depth == 0 && text[at + 1..].starts_with(c),
            _ => false,
        };
        if ends {
            return text[..at].trim().to_owned();
        }
    }
    text.trim().to_owned()
}

/// The expression that text ends with, back to where a comparison begins.
fn operand_before(text: &str) -> String {
    let mut depth = 0_u32;
    for (at, c) in text.char_indices().rev() {
        let begins = match c {
            ')' => {
                depth += 1;
                false
            }
            '(' if depth > 0 => {
                depth -= 1;
                false
            }
            '(' | ';' | '{' | '}' | '=' => true,
            ',' => depth == 0,
            '&' | '|' => depth == 0 && text[..at].ends_with(c),
            _ => false,
        };
        if begins {
            return without_return(&text[at + c.len_utf8()..]);
        }
    }
    without_return(text)
}

fn without_return(text: &str) -> String {
    let text = text.trim();
    text.strip_prefix("return ")
        .unwrap_or(text)
        .trim()
        .to_owned()
}

/// The expressions that a program passes to `ioctl` as its command.
fn passed(code: &str) -> Vec<String> {
    let commands = CALL.find_iter(code).filter_map(|call| {
        let arguments = &code[call.end()..];
        let first = operand(arguments);
        let rest = arguments
            .trim_start()
            .strip_prefix(&first)?
            .trim_start()
            .strip_prefix(',')?;
        Some(operand(rest))
    });
    commands.filter(|command| !command.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(module: &str, program: &str, header: &str) -> Vec<(String, Origin)> {
        let all = |text: &str| vec![text.to_owned()];
        let found = commands(&all(module), &all(program), &all(header)).into_iter();
        found
            .map(|command| (command.expression, command.origin))
            .collect()
    }

    fn first(module: &str, program: &str, header: &str) -> (String, Origin) {
        of(module, program, header).into_iter().next().unwrap()
    }

    /// A module whose handler has this body.
    fn handler(body: &str) -> String {
        format!(
            "static long my_ioctl(struct file *file, unsigned int cmd, unsigned long arg)\n{{\n{body}\n}}\n\
             static struct file_operations ops = {{ .unlocked_ioctl = my_ioctl }};"
        )
    }

    #[test]
    fn what_the_handler_compares_with_is_the_command() {
        for (body, command) in [
            ("if (cmd != SET_ID) return -EINVAL;", "SET_ID"),
            ("if (SET_ID == cmd && arg) { }", "SET_ID"),
            ("if ((cmd) != (SET_ID) || arg == 0) return 1;", "(SET_ID)"),
            (
                "if (!arg || cmd != _IOW('k', 1, unsigned long)) return 1;",
                "_IOW('k', 1, unsigned long)",
            ),
            ("if (_IO(240, 0) != cmd) return 1;", "_IO(240, 0)"),
            (
                "switch (cmd) { case SET_ID: if (arg) { x(); } return 0; default: return 1; }",
                "SET_ID",
            ),
            ("if (cmd == 0x4004eb00) return f(cmd);", "0x4004eb00"),
            ("return cmd == SET_ID ? 0 : 1;", "SET_ID"),
            ("bool ok = SET_ID == cmd;", "SET_ID"),
        ] {
            assert_eq!(
                first(&handler(body), "", ""),
                (command.to_owned(), Origin::Handler),
                "{body}"
            );
        }
    }

    #[test]
    fn of_several_commands_the_one_that_programs_pass_counts() {
        let module = handler(
            "switch (cmd) { case RESET: return 0; case SET_ID: return 1; case MSG_CHANNEL: break; }",
        );
        assert_eq!(first(&module, "ioctl(fd, SET_ID, id)", "").0, "SET_ID");
        assert_eq!(
            first(&module, "ioctl(f(a, b), cmd, id)", "").0,
            "MSG_CHANNEL"
        );
        let module = handler("if (cmd == RESET) { } else if (cmd == MSG_SLOT_CHANNEL) { }");
        assert_eq!(
            first(&module, "", ""),
            ("MSG_SLOT_CHANNEL".into(), Origin::Contract)
        );
    }

    #[test]
    fn without_a_handler_programs_and_headers_tell() {
        let program = "if (ioctl(open(a, 2), (unsigned)MY_CMD, strtoul(b, 0, 10)) < 0) return 1;";
        assert_eq!(
            first("", program, ""),
            ("(unsigned)MY_CMD".into(), Origin::Programs)
        );
        let header = "#define MAJOR 240\n#define MY_CMD _IOW(MAJOR, 0, int)\n";
        assert_eq!(first("", "", header), ("MY_CMD".into(), Origin::Header));
        let two = format!("{header}#define OTHER _IO(MAJOR, 1)\n");
        assert_eq!(of("", "", &two), []);
        assert_eq!(
            first("", "", "enum { MSG_SLOT_CHANNEL = 3 };"),
            ("MSG_SLOT_CHANNEL".into(), Origin::Contract)
        );
    }

    #[test]
    fn a_handler_may_be_in_another_source() {
        let module = [
            "struct file_operations ops = { unlocked_ioctl: slot_ioctl };".to_owned(),
            "int slot_ioctl(struct inode *i, struct file *f, unsigned int c, unsigned long a) { if (c == A) { } }".to_owned(),
        ];
        assert_eq!(commands(&module, &[], &[])[0].expression, "A");
    }
}
