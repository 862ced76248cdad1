// SPDX-License-Identifier: MIT OR Apache-2.0
//! Each submission here gets the verdict that is stated, from gcc 12 to 14, clang 14 to 19 and
//! glibc 2.36 to 2.41. Needs a kernel's headers, and no machine.

use std::fs;

use lab_base::environment::command;
use lab_grade::{
    build::{self, BuiltProgram},
    intake::{self, Submission},
    numbers,
};

use crate::build::shop;

/// What becomes of building.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Builds,
    /// As [`Verdict::Builds`], but not with `-std=c11`; the report remarks on it.
    BuildsAsGnu,
    Refused,
}
use Verdict::{Builds, BuildsAsGnu, Refused};

/// Whole programs.
const PROGRAMS: [(&str, Verdict, &str); 21] = [
    (
        "a function that is declared after its call",
        Builds,
        "int main(void) { return helper(0); }\nint helper(int x) { return x; }",
    ),
    (
        "a function of POSIX that -std=c11 does not declare",
        Builds,
        "#include <string.h>\nint main(void) { return strnlen(\"\", 1); }",
    ),
    (
        "a function that is nowhere",
        Refused,
        "int main(void) { return nowhere(0); }",
    ),
    (
        "a name that is nowhere",
        Refused,
        "int main(void) { return nowhere; }",
    ),
    (
        "a number for a pointer, and a pointer for a number",
        Builds,
        "int main(void) { char *p = 4; int n = p; return n - 4; }",
    ),
    (
        "a number or a pointer",
        Builds,
        "int main(int argc, char **argv) { void *p = argc ? argv : 5; return !p; }",
    ),
    (
        "no types",
        Builds,
        "static zero = 0;\nmain(void) { return zero; }",
    ),
    (
        "a parameter of the old style without a type",
        Builds,
        "int f(a, b) int a; { return a - b; }\nint main(void) { return f(1, 1); }",
    ),
    (
        "a declaration with names only",
        Builds,
        "int f(x);\nint f(int x) { return x; }\nint main(void) { return f(0); }",
    ),
    (
        "a pointer to another type",
        Builds,
        "int main(void) { long l = 0; int *p = &l; return *p; }",
    ),
    (
        "a pointer to a function with another parameter",
        Builds,
        "static void f(int *x) { (void)x; }\nint main(void) { void (*p)(char *) = f; p(0); }",
    ),
    (
        "a pointer that drops const",
        Builds,
        "static const char s[] = \"\";\nint main(void) { char *p = s; return *p; }",
    ),
    (
        "a void function that returns a value",
        Builds,
        "void f(void) { return 1; }\nint main(void) { f(); }",
    ),
    (
        "an int function that returns none",
        Builds,
        "int f(int x) { if (x) return; return 0; }\nint main(void) { return f(0); }",
    ),
    (
        "a void main",
        Builds,
        "void main(int argc, char **argv) { }",
    ),
    (
        "a declaration after a label",
        Builds,
        "int main(int argc, char **argv) { switch (argc) { case 1: int x = 0; return x; } }",
    ),
    (
        "a word that only a later standard has",
        Refused,
        "int main(void) { constexpr int x = 0; return x; }",
    ),
    (
        "an own strlcpy",
        Builds,
        "#include <string.h>\nstatic size_t strlcpy(char *to, const char *from, size_t n)\n\
         { strncpy(to, from, n); return 0; }\n\
         int main(void) { char b[4]; return strlcpy(b, \"abc\", 4); }",
    ),
    (
        "an own strlcpy with other types, and what -std=c11 hides",
        BuildsAsGnu,
        "#include <signal.h>\n#include <string.h>\nint strlcpy(char *to, char *from, int n)\n\
         { strncpy(to, from, n); return 0; }\n\
         int main(void) { char b[4]; struct sigaction a; return strlcpy(b, \"abc\", 4); }",
    ),
    (
        "a macro strlcat",
        Builds,
        "#define strlcat(to, from, n) strncat(to, from, n)\n#include <string.h>\n\
         int main(void) { char b[4] = \"\"; strlcat(b, \"abc\", 3); return 0; }",
    ),
    ("a call of strlcpy and strlcat", Builds, STRL),
];

/// Ends with 0 if they do what strlcpy(3) says.
const STRL: &str = r#"
#include <string.h>

int main(void)
{
	char b[8] = "xxxxxxx";

	if (strlcpy(b, "abcdef", 4) != 6 || strcmp(b, "abc") || b[4] != 'x')
		return 1;
	if (strlcat(b, "de", 8) != 5 || strcmp(b, "abcde"))
		return 2;
	if (strlcat(b, "fghi", 8) != 9 || strcmp(b, "abcdefg"))
		return 3;
	if (strlcat(b, "x", 2) != 3 || strlcpy(b, "long", 0) != 4 || strcmp(b, "abcdefg"))
		return 4;
	return strlcpy(b, "", 8) || *b;
}
"#;

/// What stands in a module that does nothing else.
const MODULES: [(&str, Verdict, &str); 14] = [
    ("nothing", Builds, ""),
    (
        "a function that is declared after its call",
        Refused,
        "int f(void);\nint f(void) { return g(0); }\nint g(int x) { return x; }",
    ),
    (
        "a number for a pointer, and a pointer for a number",
        Builds,
        "int f(void);\nint f(void) { char *p = 4; int n = p; return n; }",
    ),
    (
        "a number for a pointer of a structure",
        Builds,
        "#include <linux/fs.h>\nstruct file_operations f = { .owner = 4 };",
    ),
    ("no type", Refused, "static zero = 0;"),
    (
        "a function without a parameter list",
        Refused,
        "int f();\nint f() { return 0; }",
    ),
    (
        "a pointer to another type",
        Refused,
        "int f(void);\nint f(void) { long l = 0; int *p = &l; return *p; }",
    ),
    (
        "a pointer to a function with another parameter",
        Refused,
        "#include <linux/fs.h>\nstatic long f(struct file *file, int command) { return 0; }\n\
         struct file_operations ops = { .unlocked_ioctl = f };",
    ),
    (
        "a pointer that drops const",
        Builds,
        "static const char s[] = \"\";\nchar *f(void);\nchar *f(void) { return s; }",
    ),
    (
        "a void function that returns a value",
        Refused,
        "void f(void);\nvoid f(void) { return 1; }",
    ),
    (
        "an int function that returns none",
        Refused,
        "int f(int x);\nint f(int x) { if (x) return; return 0; }",
    ),
    (
        "an int function with an end",
        Refused,
        "int f(int x);\nint f(int x) { if (x) return 1; }",
    ),
    (
        "an unused variable, and a declaration after statements",
        Builds,
        "int f(int x);\nint f(int x) { x++; int y = 1; return x; }",
    ),
    (
        "a large frame",
        Builds,
        "int f(char *x);\nint f(char *x) { char b[3000]; memcpy(b, x, 3000); return b[*x & 7]; }",
    ),
];

fn submission(name: &str, text: &str) -> Submission {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join(name), text).unwrap();
    intake::open(root.path()).unwrap()
}

fn program(text: &str) -> Result<BuiltProgram, lab_grade::refused::Refused> {
    let submission = submission("message_sender.c", text);
    build::program(shop(), &submission, "message_sender").unwrap()
}

fn in_module(text: &str) -> String {
    format!(
        "#include <linux/module.h>\n#include <linux/string.h>\n\
         static int __init m_init(void)\n{{\n\treturn 0;\n}}\n\
         static void __exit m_exit(void)\n{{\n}}\n\
         module_init(m_init);\nmodule_exit(m_exit);\nMODULE_LICENSE(\"GPL\");\n{text}\n"
    )
}

#[test]
fn programs_get_the_same_verdict_from_each_compiler_and_library() {
    for (what, verdict, text) in PROGRAMS {
        let built = program(text);
        let found = match &built {
            Ok(program) if program.remarks.is_empty() => Builds,
            Ok(_) => BuildsAsGnu,
            Err(_) => Refused,
        };
        assert_eq!(found, verdict, "{what}: {built:?}");
    }
}

#[test]
fn strlcpy_and_strlcat_are_there_for_programs() {
    let built = program(STRL).unwrap();
    let status = command(&built.path).status().unwrap();
    assert_eq!(status.code(), Some(0));
}

#[test]
fn modules_get_the_same_verdict_from_each_compiler() {
    for (what, verdict, text) in MODULES {
        let submission = submission("message_slot.c", &in_module(text));
        let built = build::module(shop(), &submission, "message_slot").unwrap();
        let found = match &built {
            Ok(_) => Builds,
            Err(_) => Refused,
        };
        assert_eq!(found, verdict, "{what}: {built:?}");
    }
}

#[test]
fn numbers_are_found_beside_what_newer_compilers_refuse() {
    // No module, so that the program is what is asked.
    let text = "#include <string.h>\n#include <sys/ioctl.h>\n\
                #define MSG_SLOT_CHANNEL _IOW(240, 0, unsigned long)\n#define MAJOR_NUM 240\n\
                static size_t strlcpy(char *to, const char *from, size_t n) { return n; }\n\
                int f(x);\nvoid g(void) { return 1; }\n\
                main(void) { char *p = 4; int n = p; long *q = &n; return ioctl(3, MSG_SLOT_CHANNEL, n); }\n";
    let found = numbers::probe(shop(), &submission("message_sender.c", text)).unwrap();
    assert_eq!((found.major, found.channel_command), (240, 0x4008_f000));
}
