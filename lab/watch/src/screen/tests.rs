// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is drawn.

use std::time::Duration;

use ratatui::{Terminal, backend::TestBackend, buffer::Buffer, style::Color};

use super::*;
use crate::{
    event::{Event, Output},
    messages::Report,
    samples::{begun, failed, passed, report},
};

/// A terminal of this size.
fn terminal(width: u16, height: u16) -> Terminal<TestBackend> {
    Terminal::new(TestBackend::new(width, height)).unwrap()
}

/// What is drawn of a session 2.3 s after its run has begun.
fn drawn(session: &mut Session, view: &mut View, (width, height): (u16, u16)) -> Buffer {
    let run = session.runs[session.at].as_mut().unwrap();
    let time = Duration::from_millis(2340);
    run.took = run.took.map(|_| time);
    let now = run.began + time;
    let mut terminal = terminal(width, height);
    terminal
        .draw(|frame| view.draw(frame, session, now))
        .unwrap()
        .buffer
        .clone()
}

/// The text of what is drawn.
fn shown(session: &mut Session, size: (u16, u16)) -> String {
    text(&drawn(session, &mut View::default(), size))
}

fn text(buffer: &Buffer) -> String {
    let width = usize::from(buffer.area.width);
    let rows = buffer.content.chunks(width);
    let row = |cells: &[ratatui::buffer::Cell]| {
        let text: String = cells.iter().map(|cell| cell.symbol()).collect();
        text.trim_end().to_owned() + "\n"
    };
    rows.map(row).collect()
}

fn key(session: &mut Session, letter: char) {
    let key = Event::Key(Key::of(letter).unwrap());
    session.react(&key, Instant::now());
}

/// What gcc and Kbuild say of a missing semicolon.
const COMPILER: &str = "  CC [M]  /work/build/modules/lab/nl_pubsub/nl_pubsub.o
/work/kernel/nl_pubsub/nl_pubsub.c: In function 'pubsub_input':
/work/kernel/nl_pubsub/nl_pubsub.c:57:27: error: expected ';' before '}' token
   57 | \treturn nl_frames_rcv(skb)
      | \t                          ^
      | \t                          ;
make[3]: *** [scripts/Makefile.build:229: /work/nl_pubsub.o] Error 1
";

#[test]
fn a_failure_comes_first_with_expectation_and_observation() {
    let mut session = failed("pubsub", "type a line into the publisher");
    insta::assert_snapshot!(shown(&mut session, (80, 24)));
}

#[test]
fn a_failure_on_a_narrow_terminal() {
    let mut session = failed("pubsub", "type a line into the publisher");
    insta::assert_snapshot!(shown(&mut session, (40, 24)));
}

#[test]
fn the_words_of_the_compiler() {
    let mut session = begun("pubsub");
    let (what, output) = ("nl_pubsub.ko".to_owned(), COMPILER.to_owned());
    report(&mut session, Report::Compile { what, output });
    insta::assert_snapshot!(shown(&mut session, (80, 24)));
}

#[test]
fn a_pass_with_a_warning_and_a_change_of_the_lab() {
    let mut session = passed("pubsub");
    let run = session.runs[session.at].as_mut().unwrap();
    run.add_words("nl_pubsub.c:12:5: warning: unused variable 'x'".into());
    session.lab_changed = Some("lab/src/demo.rs".into());
    insta::assert_snapshot!(shown(&mut session, (80, 24)));
}

#[test]
fn a_run_that_goes_on() {
    let mut session = begun("pubsub");
    insta::assert_snapshot!(shown(&mut session, (80, 8)));
}

#[test]
fn the_list_of_steps() {
    let mut session = failed("routes", "let R3 expire in half a second");
    key(&mut session, 'n');
    key(&mut session, 'l');
    insta::assert_snapshot!(shown(&mut session, (80, 16)));
}

#[test]
fn a_hint() {
    let mut session = failed("pubsub", "type a line into the publisher");
    key(&mut session, 'h');
    let words = Event::Hint(Output::Stderr("Compiling lab-grade v0.1.0".into()));
    session.react(&words, Instant::now());
    let asking = shown(&mut session, (40, 8));
    for line in ["part2/B3-forwarded: each body", "1 of 3: Clause B3: look."] {
        session.react(&Event::Hint(Output::Stdout(line.into())), Instant::now());
    }
    session.react(&Event::HintEnded, Instant::now());
    insta::assert_snapshot!(asking + &shown(&mut session, (40, 8)));
}

#[test]
fn a_diagram_or_that_there_is_none() {
    let mut session = passed("pubsub");
    key(&mut session, 'd');
    let none = shown(&mut session, (60, 6));
    session.diagram = Some(vec!["process --> queue".into()]);
    insta::assert_snapshot!(none + &shown(&mut session, (60, 6)));
}

#[test]
fn a_page_that_is_too_long_can_be_scrolled_to_its_end_and_no_further() {
    let mut session = failed("pubsub", "type a line into the publisher");
    let mut view = View::default();
    let size = (80, 8);
    let first = text(&drawn(&mut session, &mut view, size));
    assert!(first.contains("Down: 6 more lines"), "{first}");
    for scroll in [Scroll::PageDown, Scroll::PageDown, Scroll::Down] {
        view.scroll(scroll);
    }
    let last = text(&drawn(&mut session, &mut view, size));
    assert!(last.contains("pass  1. insert the module"), "{last}");
    assert!(!last.contains("more lines"), "{last}");
    view.scroll(Scroll::PageUp);
    view.scroll(Scroll::PageUp);
    assert_eq!(text(&drawn(&mut session, &mut view, size)), first);
    // Another page begins at its beginning.
    view.scroll(Scroll::Down);
    key(&mut session, 'l');
    drawn(&mut session, &mut view, size);
    assert_eq!(view.top, 0);
}

#[test]
fn a_terminal_of_any_size_is_drawn() {
    let mut session = failed("pubsub", "type a line into the publisher");
    session.lab_changed = Some("lab/src/demo.rs".into());
    let mut view = View::default();
    for size in [(1, 1), (2, 3), (5, 40), (200, 1), (300, 100), (80, 24)] {
        let buffer = drawn(&mut session, &mut view, size);
        assert_eq!((buffer.area.width, buffer.area.height), size);
    }
}

#[test]
fn without_colours_the_words_are_the_same() {
    let mut session = failed("pubsub", "type a line into the publisher");
    let colours = |has_colours, session: &mut Session| {
        let mut view = View {
            has_colours,
            ..View::default()
        };
        let buffer = drawn(session, &mut view, (80, 24));
        let cells = buffer.content.iter();
        let coloured = cells.filter(|cell| cell.fg != Color::Reset || cell.bg != Color::Reset);
        (coloured.count(), text(&buffer))
    };
    let (with, one) = colours(true, &mut session);
    let (without, other) = colours(false, &mut session);
    assert!(with > 0);
    assert_eq!(without, 0);
    assert_eq!(one, other);
}

#[test]
fn keys_have_their_meanings_and_others_have_none() {
    let press = |code, modifiers| meaning(&event::Event::Key(KeyEvent::new(code, modifiers)));
    let none = KeyModifiers::NONE;
    let quit = Some(Input::Key(Key::Quit));
    assert_eq!(press(KeyCode::Char('q'), none), quit);
    assert_eq!(press(KeyCode::Char('c'), KeyModifiers::CONTROL), quit);
    assert_eq!(press(KeyCode::Char('c'), none), None);
    assert_eq!(press(KeyCode::Char('n'), KeyModifiers::CONTROL), None);
    assert_eq!(press(KeyCode::Esc, none), Some(Input::Key(Key::Back)));
    let down = Some(Input::Scroll(Scroll::Down));
    assert_eq!(press(KeyCode::Down, none), down);
    let resized = meaning(&event::Event::Resize(40, 10));
    assert_eq!(resized, Some(Input::Resized));
}
