// SPDX-License-Identifier: MIT OR Apache-2.0
//! Grading many submissions: the table, what goes on after an end, and what is refused. Most of these
//! submissions need no machine: a program without its header is blocked.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use lab_base::environment::command;

use crate::{program::program, unpack::zip_of, whole::right};

/// Folders with submissions, and a folder for results.
pub(crate) struct Class {
    pub(crate) root: tempfile::TempDir,
}

impl Class {
    pub(crate) fn new() -> Self {
        Class {
            root: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// A submission of which nothing builds.
    pub(crate) fn blocked(&self, name: &str) -> PathBuf {
        let folder = self.path(name);
        fs::create_dir_all(&folder).unwrap();
        let file = "message_reader.c";
        fs::copy(right().join(file), folder.join(file)).unwrap();
        folder
    }

    /// A command that grades one cheap check of these submissions.
    pub(crate) fn command(&self, submissions: &[PathBuf], arguments: &[&str]) -> Command {
        let mut command = command(program());
        command
            .current_dir(self.root.path())
            .arg("grade")
            .args(submissions)
            .args(arguments);
        command
    }

    pub(crate) fn grade(&self, submissions: &[PathBuf], arguments: &[&str]) -> Batch {
        Batch::of(&self.command(submissions, arguments).output().unwrap())
    }

    /// The table, without times.
    pub(crate) fn table(&self, file: &str) -> String {
        let table = fs::read_to_string(self.path(file)).unwrap();
        let root = self.root.path().display().to_string();
        let rows = table.lines().map(|row| {
            let mut cells: Vec<&str> = row.splitn(10, ',').collect();
            cells.remove(8);
            cells.join(",").replace(&root, "CLASS") + "\n"
        });
        rows.collect()
    }
}

/// How a batch has ended.
pub(crate) struct Batch {
    pub(crate) status: Option<i32>,
    /// All that it has written.
    pub(crate) said: String,
}

impl Batch {
    pub(crate) fn of(output: &Output) -> Self {
        let said = [&output.stderr[..], &output.stdout].concat();
        Batch {
            status: output.status.code(),
            said: String::from_utf8(said).unwrap(),
        }
    }

    #[track_caller]
    pub(crate) fn ends(&self, status: i32, words: &[&str]) {
        assert_eq!(self.status, Some(status), "{}", self.said);
        for words in words {
            assert!(self.said.contains(words), "{words} in {}", self.said);
        }
    }
}

/// The filter, and a seed.
pub(crate) const CHEAP: [&str; 3] = ["I2-unknown", "--seed", "1"];

#[test]
fn one_bad_submission_does_not_stop_the_rest() {
    let class = Class::new();
    let rar = class.path("=1+1.rar");
    fs::write(&rar, b"Rar!\x1a\x07\x00more").unwrap();
    let good = class.path("good");
    fs::create_dir(&good).unwrap();
    for entry in fs::read_dir(right()).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), good.join(entry.file_name())).unwrap();
    }
    let hostile = class.blocked("<b>\n'&");
    let (first, second) = (class.blocked("a/ex3"), class.blocked("b/ex3"));
    let missing = class.path("nowhere.zip");
    let all = [rar, missing, good, hostile, first.clone(), second];
    let arguments = [&CHEAP[..], &["--jobs", "2", "--csv", "new/table.csv"]].concat();
    let batch = class.grade(&all, &arguments);
    batch.ends(
        1,
        &[
            "6 submissions: 1 passed, 3 points lost, 2 unreadable\n",
            "[6/6] ",
            " to go\n",
        ],
    );
    insta::assert_snapshot!(class.table("new/table.csv"), @r#"
    id,part1,part2,part3,message-slot,total,out of,status,report,note
    _1+1.rar,,,,,,,unreadable,,"CLASS/=1+1.rar: it is a .rar archive, which the lab does not unpack; unpack it, and grade the directory"
    _b__n___,,,,0,0,2,points lost,reports/_b__n___/report.txt,
    a_ex3,,,,0,0,2,points lost,reports/a_ex3/report.txt,
    b_ex3,,,,0,0,2,points lost,reports/b_ex3/report.txt,
    good,,,,2,2,2,passed,reports/good/report.txt,
    nowhere,,,,,,,unreadable,,CLASS/nowhere.zip: No such file or directory (os error 2)
    "#);
    let page = fs::read_to_string(class.path("grades/index.html")).unwrap();
    assert!(
        page.contains("href=\"reports/a_ex3/report.txt\">"),
        "{page}"
    );
    assert!(class.path("grades/reports/a_ex3/report.txt").exists());
    assert!(!class.path("grades/.attempts").exists());

    // It is not begun anew, and not mixed with another batch.
    class.grade(&all, &arguments).ends(
        2,
        &["go on with it with --resume, or name another folder with --out"],
    );
    let other = ["I2-unknown", "--seed", "2", "--resume"];
    class
        .grade(&all, &other)
        .ends(2, &["its seed is 1, and here it is 2"]);

    // Only what has changed is graded again, and what is new.
    class
        .grade(&[], &["--resume"])
        .ends(1, &["6 submissions: 1 passed"]);
    let before = class.table("new/table.csv");
    fs::write(
        first.join("message_sender.c"),
        "int main(void) { return nothing; }",
    )
    .unwrap();
    let late = [class.blocked("late")];
    let batch = class.grade(&late, &["--resume"]);
    batch.ends(
        1,
        &[
            "[2/2]",
            "7 submissions: 1 passed, 4 points lost, 2 unreadable\n",
        ],
    );
    assert!(
        batch.said.contains("] a_ex3: ") && batch.said.contains("] late: "),
        "{}",
        batch.said
    );
    let late = "late,,,,0,0,2,points lost,reports/late/report.txt,\n";
    assert_eq!(class.table("new/table.csv").replace(late, ""), before);
}

#[test]
fn a_class_is_graded_as_a_batch() {
    let class = Class::new();
    let reader = fs::read(right().join("message_reader.c")).unwrap();
    let zip = zip_of(&[("message_reader.c", &reader)]);
    let export = class.path("class.zip");
    let files: [(&str, &[u8]); 3] = [
        ("Cohen Dana_12_assignsubmission_file_/ex3.zip", &zip),
        (
            "Levi Tal_13_assignsubmission_file_/message_reader.c",
            &reader,
        ),
        (
            "No One_14_assignsubmission_file_/ex3.7z",
            b"7z\xbc\xaf\x27\x1c",
        ),
    ];
    fs::write(&export, zip_of(&files)).unwrap();
    let batch = class.grade(&[export], &CHEAP);
    batch.ends(1, &["3 submissions: 2 points lost, 1 unreadable\n"]);
    insta::assert_snapshot!(class.table("grades/grades.csv"), @r#"
    id,part1,part2,part3,message-slot,total,out of,status,report,note
    Cohen Dana_12,,,,0,0,2,points lost,reports/Cohen Dana_12/report.txt,
    Levi Tal_13,,,,0,0,2,points lost,reports/Levi Tal_13/report.txt,
    No One_14,,,,,,,unreadable,,"CLASS/class.zip/No One_14_assignsubmission_file_: No One_14_assignsubmission_file_/ex3.7z: it is a .7z archive, which the lab does not unpack; unpack it, and grade the directory"
    "#);

    // Canvas packs files without folders. Unpacked, they are a class, too.
    let loose = class.path("loose");
    fs::create_dir(&loose).unwrap();
    for name in [
        "doejane_12_345_message_reader.c",
        "roebob_LATE_13_346_message_reader.c",
    ] {
        fs::write(loose.join(name), &reader).unwrap();
    }
    let arguments = [&CHEAP[..], &["--out", "other"]].concat();
    let batch = class.grade(&[loose], &arguments);
    batch.ends(0, &["2 submissions: 2 points lost\n"]);
    let table = class.table("other/grades.csv");
    assert!(
        table.contains("\ndoejane_12,,,,0,0,2,points lost,"),
        "{table}"
    );
    assert!(
        table.contains("\nroebob_LATE_13,,,,0,0,2,points lost,"),
        "{table}"
    );
}

#[test]
fn a_usage_that_is_wrong_is_told_before_anything_is_graded() {
    let class = Class::new();
    let (a, b) = (class.blocked("a"), class.blocked("b"));
    let file = class.path("file");
    fs::write(&file, "").unwrap();
    let both = [a.clone(), b];
    let one = std::slice::from_ref(&a);
    let cases: [(&[PathBuf], &[&str], &str); 13] = [
        (&both, &["--json", "x.json"], "--json names one file"),
        (
            &both,
            &["--map", "message_slot=x.c"],
            "--map is for one submission",
        ),
        (
            &both,
            &["--csv", "/dev/null"],
            "/dev/null: expected an ordinary file",
        ),
        (
            &both,
            &["--csv", "file/x.csv"],
            "file/x.csv cannot be written",
        ),
        (&both, &["--csv", "a"], "a: expected an ordinary file"),
        (&both, &["--out", "file"], "creating"),
        (&both, &["--out", "a/grades"], "is inside of the submission"),
        (
            &both,
            &["--jobs", "0"],
            "invalid value '0' for '--jobs <N>'",
        ),
        (
            &both,
            &["--jobs", "x"],
            "invalid value 'x' for '--jobs <N>'",
        ),
        (&both, &["--rubric", "file2"], "file2"),
        (&[], &["--resume"], "expected submissions, found none"),
        (&[], &["--jobs", "2"], "expected submissions, found none"),
        (
            one,
            &["I2-nothing"],
            "no check contains \"I2-nothing\", and there is no file I2-nothing",
        ),
    ];
    for (submissions, arguments, words) in cases {
        class.grade(submissions, arguments).ends(2, &[words]);
        assert!(!class.path("grades/reports").exists(), "{arguments:?}");
    }
    let plan = Path::new("grades/batch.json");
    fs::create_dir_all(class.path("grades")).unwrap();
    fs::write(class.path("").join(plan), "{\"schema\": 1,").unwrap();
    class
        .grade(&both, &["--resume"])
        .ends(2, &["grades/batch.json: EOF while parsing"]);
}
