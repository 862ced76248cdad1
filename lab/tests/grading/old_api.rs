// SPDX-License-Identifier: MIT OR Apache-2.0
//! Modules that were written for older kernels: each row of `lab/kernels/old-api.toml`, and what they
//! did without a word. All but the last test need a kernel's headers, and no machine.

use lab_grade::{
    build,
    old_api::{OldApi, Version, table},
    refused::Refused,
};
use lab_scene::{LooksAt, Scenario, test_machines::SEED};

use crate::build::{shop, submission};

/// The part that every module has.
const MAIN: &str = "#include <linux/module.h>\n#include <linux/init.h>\n\
                    static int __init m_init(void)\n{\n\treturn 0;\n}\n\
                    static void __exit m_exit(void)\n{\n}\n\
                    module_init(m_init);\nmodule_exit(m_exit);\nMODULE_LICENSE(\"GPL\");\n";

/// Remarks on a module of these files, or why it is refused.
fn remarks(files: &[(&str, &str)]) -> Result<Vec<String>, Refused> {
    let built = build::module(shop(), &submission(files), "message_slot").unwrap();
    built.map(|module| module.remarks)
}

fn kernel() -> Version {
    Version::of(&shop().kernel.release)
}

fn part_of_module(example: &str) -> String {
    format!("#include <linux/module.h>\nMODULE_AUTHOR(\"x\");\n{example}")
}

fn with_main(example: &str) -> String {
    format!("#include <linux/module.h>\n{example}{MAIN}")
}

#[test]
fn an_old_api_that_can_be_supplied_is_supplied_and_said_once() {
    let rows: Vec<&OldApi> = table().unwrap().api.iter().collect();
    let rows: Vec<_> = rows.into_iter().filter(|row| row.is_supplied()).collect();
    // A file for each row, so that no row has what another one brings.
    let files: Vec<_> = (0..rows.len())
        .map(|row| (format!("row_{row}.c"), part_of_module(&rows[row].example)))
        .collect();
    let files = files.iter().map(|(name, text)| (&name[..], &text[..]));
    let files: Vec<_> = files.chain([("message_slot.c", MAIN)]).collect();
    let remarks = remarks(&files).unwrap_or_else(|why| panic!("{why}"));
    for (number, row) in rows.iter().enumerate() {
        let sentence = format!("row_{number}.c uses {}. ", row.old);
        let told = remarks.iter().filter(|said| said.starts_with(&sentence));
        let gone = usize::from(row.is_gone(kernel()));
        assert_eq!(told.count(), gone, "{}: {remarks:?}", row.old);
    }
    let gone = rows.iter().filter(|row| row.is_gone(kernel())).count();
    assert!(gone > 10 && gone == remarks.len(), "{gone}: {remarks:?}");
}

#[test]
fn an_old_api_that_cannot_be_supplied_is_refused_with_its_successor() {
    for row in table().unwrap().api.iter().filter(|row| !row.is_supplied()) {
        let built = remarks(&[("message_slot.c", &with_main(&row.example))]);
        if !row.is_gone(kernel()) {
            assert!(built.is_ok(), "{}: {built:?}", row.old);
            continue;
        }
        let Err(Refused(why)) = built else {
            panic!("{} is not refused", row.old)
        };
        let first = why.lines().next().unwrap_or_default();
        assert!(
            first.starts_with(&format!("message_slot.c uses {}. Linux ", row.old)),
            "{why}"
        );
        assert!(why.contains("message_slot.c:"), "{why}");
    }
}

#[test]
fn a_new_api_stays_as_it_is() {
    let text = r#"
#include <linux/device.h>
#include <linux/fs.h>
#include <linux/proc_fs.h>
#include <linux/semaphore.h>
#include <linux/uaccess.h>
static const struct proc_ops ops = { };
static struct class *x;
static void __maybe_unused f(struct file *file, char *buf, loff_t *at, void __user *p)
{
	struct semaphore semaphore = __SEMAPHORE_INITIALIZER(semaphore, 1);

	(void)semaphore;
	proc_create("x", 0, NULL, &ops);
	kernel_read(file, buf, 4, at);
	kernel_write(file, buf, 4, at);
	if (access_ok(p, 4))
		class_destroy(x);
}
"#;
    let none: [String; 0] = [];
    assert_eq!(
        remarks(&[("message_slot.c", &with_main(text))]).unwrap(),
        none
    );
}

#[test]
fn what_kbuild_only_warns_of_is_passed() {
    for (what, text) in [
        ("no prototype", "int helper(void)\n{\n\treturn 0;\n}\n"),
        (
            "a static function that nobody calls",
            "static int helper(void)\n{\n\treturn 0;\n}\n",
        ),
        (
            "a declaration after a statement, and in a loop",
            "static int __maybe_unused f(int n)\n{\n\tn++;\n\tint m = n;\n\
             \tfor (int i = 0; i < n; i++)\n\t\tm += i;\n\treturn m;\n}\n",
        ),
        (
            "an array whose length is not constant",
            "static int __maybe_unused f(int n)\n{\n\tchar a[n];\n\n\ta[0] = n;\n\treturn a[0];\n}\n",
        ),
        (
            "%d for a size_t",
            "static void __maybe_unused f(size_t n)\n{\n\tprintk(\"%d\\n\", n);\n}\n",
        ),
        ("a prefix of its own", "#define pr_fmt(text) \"x: \" text\n"),
    ] {
        let built = remarks(&[("message_slot.c", &with_main(text))]);
        let none: [String; 0] = [];
        assert_eq!(built.unwrap(), none, "{what}");
    }
}

#[test]
fn a_header_that_others_included_is_included_and_said() {
    let text = "static void *__maybe_unused f(void)\n{\n\
                \tif (signal_pending(current))\n\t\treturn NULL;\n\treturn vmalloc(1);\n}\n";
    let text = format!("#include <linux/module.h>\n{text}{MAIN}");
    let remarks = remarks(&[("message_slot.c", &text)]).unwrap();
    for header in ["linux/sched/signal.h", "linux/vmalloc.h"] {
        let said = format!("message_slot does not include <{header}>");
        let told = remarks
            .iter()
            .filter(|text| text.starts_with(&said))
            .count();
        // A kernel may include it by another way.
        assert!(told <= 1, "{remarks:?}");
    }
    let nowhere = text.replace("vmalloc(1)", "nowhere(1)");
    let built = self::remarks(&[("message_slot.c", &nowhere)]);
    assert!(
        built.is_err_and(|Refused(why)| why.contains("nowhere")),
        "a function that is nowhere"
    );
}

#[test]
fn a_module_without_a_licence_gets_one_and_is_told() {
    let text = MAIN.replace("MODULE_LICENSE(\"GPL\");\n", "");
    let remarks = remarks(&[("message_slot.c", &text)]).unwrap();
    assert_eq!(remarks.len(), 1, "{remarks:?}");
    assert!(remarks[0].contains("MODULE_LICENSE(\"GPL\") is missing"));
}

/// Uses old APIs and shows in a file whether they work.
const OLD: &str = r#"
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/semaphore.h>
#include <linux/string.h>
#include <linux/uaccess.h>

static DEFINE_SEMAPHORE(lock);

static ssize_t get(struct file *file, char __user *to, size_t size, loff_t *at)
{
	char text[32], from[] = "0123456789", cut[4];
	size_t length = strlcpy(cut, from, sizeof(cut));
	struct file *version = filp_open("/proc/version", O_RDONLY, 0);
	char start[6] = "";

	if (IS_ERR(version))
		return PTR_ERR(version);
	kernel_read(version, 0, start, 5);
	filp_close(version, NULL);
	if (down_interruptible(&lock))
		return -EINTR;
	up(&lock);
	if (!access_ok(VERIFY_WRITE, to, size))
		return -EFAULT;
	length = scnprintf(text, sizeof(text), "%zu %s %s\n", length, cut, start);
	return simple_read_from_buffer(to, size, at, text, length);
}

static const struct file_operations operations = { .owner = THIS_MODULE, .read = get };

static int __init m_init(void)
{
	return proc_create("old_api", 0444, NULL, &operations) ? 0 : -ENOMEM;
}

static void __exit m_exit(void)
{
	remove_proc_entry("old_api", NULL);
}

module_init(m_init);
module_exit(m_exit);
MODULE_LICENSE("GPL");
"#;

#[test]
fn a_supplied_api_works_as_the_old_one_did() {
    use lab_scene::subject::{Part, Subject};

    let submission = submission(&[("message_slot.c", OLD)]);
    let module = build::module(shop(), &submission, "message_slot")
        .unwrap()
        .unwrap_or_else(|why| panic!("{why}"));
    let part = Part::Built {
        file: module.stripped.clone(),
        debug: None,
    };
    let subject = Subject {
        modules: [("message_slot".to_owned(), part)].into(),
        ..Subject::default()
    };
    let consoles = tempfile::tempdir().unwrap();
    let workshop = shop().trying(subject, consoles.path());
    let scenario = Scenario {
        id: "message-slot/D1-old-api",
        title: "a module that uses what newer kernels no longer have",
        looks_at: LooksAt::Module(&[]),
        run: |scene| {
            scene.insert("message_slot", "")?;
            scene.step("read its file", "what it has read itself", |scene| {
                let program = scene.shell(0, "cat /proc/old_api")?;
                scene.expect_output(&program, b"10 012 Linux\n")
            })
        },
    };
    let ended = workshop.carry_out(&scenario, SEED, &mut |_| ()).unwrap();
    let record = ended.transcript.normalised();
    assert!(ended.healthy, "{record}");
}
