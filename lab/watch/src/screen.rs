// SPDX-License-Identifier: MIT OR Apache-2.0
//! The screen of a terminal: a headline, a page that can be scrolled, and the keys.

use std::{io, time::Instant};

use anyhow::Context;
use lab_cli::spawn;
use ratatui::{
    DefaultTerminal, Frame,
    crossterm::event::{self, KeyCode, KeyEvent, KeyEventKind, KeyModifiers},
    layout::{Constraint, Layout, Rect},
    style::{Modifier, Style},
    text::Line,
    widgets::Paragraph,
};
use textwrap::Options;

use crate::{
    event::Key,
    pages,
    row::Row,
    session::{Page, Session},
};

/// What the terminal tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    Key(Key),
    Scroll(Scroll),
    /// It has another size.
    Resized,
    /// It is gone.
    Gone,
}

/// Part of the page to go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scroll {
    Up,
    Down,
    PageUp,
    PageDown,
}

/// The terminal, in raw mode until this value is dropped.
pub(crate) struct Screen {
    terminal: DefaultTerminal,
    view: View,
}

impl Screen {
    /// Take the terminal. `tell` gets its keys.
    ///
    /// # Errors
    /// There is no terminal.
    pub(crate) fn open(mut tell: impl FnMut(Input) + Send + 'static) -> anyhow::Result<Self> {
        let terminal = ratatui::try_init().context("taking the terminal")?;
        let screen = Screen {
            terminal,
            view: View {
                has_colours: std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
                ..View::default()
            },
        };
        spawn("keys", move || {
            loop {
                match event::read() {
                    Ok(event) => {
                        if let Some(input) = meaning(&event) {
                            tell(input);
                        }
                    }
                    Err(_) => return tell(Input::Gone),
                }
            }
        })?;
        Ok(screen)
    }

    /// Show a session. This never asks the terminal for anything: its answer would go to the thread
    /// that reads keys.
    ///
    /// # Errors
    /// The terminal is gone.
    pub(crate) fn draw(&mut self, session: &Session, now: Instant) -> io::Result<()> {
        let view = &mut self.view;
        self.terminal.draw(|frame| view.draw(frame, session, now))?;
        Ok(())
    }

    /// Go to another part of the page.
    pub(crate) fn scroll(&mut self, scroll: Scroll) {
        self.view.scroll(scroll);
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        ratatui::restore();
    }
}

/// The meaning of a terminal's event.
fn meaning(event: &event::Event) -> Option<Input> {
    let key = match event {
        event::Event::Resize(..) => return Some(Input::Resized),
        event::Event::Key(key) if key.kind != KeyEventKind::Release => key,
        _ => return None,
    };
    let KeyEvent {
        code, modifiers, ..
    } = key;
    let is_ctrl = modifiers.contains(KeyModifiers::CONTROL);
    Some(match code {
        KeyCode::Char('c') if is_ctrl => Input::Key(Key::Quit),
        KeyCode::Char(letter) if !is_ctrl => Input::Key(Key::of(*letter)?),
        KeyCode::Esc => Input::Key(Key::Back),
        KeyCode::Up => Input::Scroll(Scroll::Up),
        KeyCode::Down => Input::Scroll(Scroll::Down),
        KeyCode::PageUp => Input::Scroll(Scroll::PageUp),
        KeyCode::PageDown => Input::Scroll(Scroll::PageDown),
        _ => return None,
    })
}

/// The part of a session that is visible.
#[derive(Debug, Default)]
struct View {
    has_colours: bool,
    /// The first visible line of the page.
    top: usize,
    /// The last first line that shows a whole screen.
    top_max: usize,
    /// Lines of the page that are visible.
    height: usize,
    /// The page that was drawn last: another one is shown from its beginning.
    drawn: Option<(u64, std::mem::Discriminant<Page>)>,
}

impl View {
    fn scroll(&mut self, scroll: Scroll) {
        let page = self.height.saturating_sub(1).max(1);
        let top = match scroll {
            Scroll::Up => self.top.saturating_sub(1),
            Scroll::Down => self.top + 1,
            Scroll::PageUp => self.top.saturating_sub(page),
            Scroll::PageDown => self.top + page,
        };
        self.top = top.min(self.top_max);
    }

    fn draw(&mut self, frame: &mut Frame<'_>, session: &Session, now: Instant) {
        let notes = pages::notes(session);
        let width = usize::from(frame.area().width);
        let notes: Vec<_> = notes.iter().flat_map(|note| wrapped(note, width)).collect();
        let [head, _, body, foot, keys] = Layout::vertical([
            Constraint::Length(1),
            Constraint::Length(1),
            Constraint::Min(0),
            Constraint::Length(u16::try_from(notes.len()).unwrap_or(u16::MAX)),
            Constraint::Length(1),
        ])
        .areas(frame.area());

        let mut headline = self.line(&pages::headline(session, now));
        headline.style = headline.style.add_modifier(Modifier::REVERSED);
        let filled = Paragraph::new(headline).style(Style::new().add_modifier(Modifier::REVERSED));
        frame.render_widget(filled, head);

        let page = (session.begun, std::mem::discriminant(&session.page));
        if self.drawn.replace(page) != Some(page) {
            self.top = 0;
        }
        let rows = pages::rows(session);
        let width = usize::from(body.width);
        // Lines that were wrapped are no diagram.
        let lines: Vec<Row> = if session.page == Page::Diagram {
            rows
        } else {
            rows.iter().flat_map(|row| wrapped(row, width)).collect()
        };
        self.height = usize::from(body.height);
        self.top_max = lines.len().saturating_sub(self.height);
        self.top = self.top.min(self.top_max);
        let below = self.top_max - self.top;
        self.render(frame, body, lines.iter().skip(self.top).take(self.height));
        self.render(frame, foot, notes.iter());
        frame.render_widget(Paragraph::new(self.line(&keys_row(width, below))), keys);
    }

    fn render<'a>(&self, frame: &mut Frame<'_>, area: Rect, rows: impl Iterator<Item = &'a Row>) {
        let lines: Vec<_> = rows.map(|row| self.line(row)).collect();
        frame.render_widget(Paragraph::new(lines), area);
    }

    fn line(&self, row: &Row) -> Line<'static> {
        let mut style = Style::from(row.style);
        if !self.has_colours {
            style = Style::new().add_modifier(style.add_modifier);
        }
        Line::styled(row.text.clone(), style)
    }
}

/// The keys, and how many lines of the page are below the screen.
fn keys_row(width: usize, below: usize) -> Row {
    let keys = ["h hint", "n next", "l list", "d diagram", "q quit"];
    let wide = keys.join("   ");
    let mut text = if wide.len() <= width {
        wide
    } else {
        keys.join(" ")
    };
    let more = format!("   Down: {below} more lines");
    if below > 0 && text.len() + more.len() <= width {
        text += &more;
    }
    Row::bold(text)
}

/// A row in lines of a width. Later lines are indented as the first.
fn wrapped(row: &Row, width: usize) -> Vec<Row> {
    let indent: String = row.text.chars().take_while(|&c| c == ' ').collect();
    // Without room for the text, the indentation is of no use.
    let indent = if indent.len() * 2 > width {
        ""
    } else {
        &indent
    };
    let options = Options::new(width.max(1)).subsequent_indent(indent);
    let lines = textwrap::wrap(&row.text, options);
    lines
        .into_iter()
        .map(|line| Row {
            style: row.style,
            text: line.into_owned(),
        })
        .collect()
}

#[cfg(test)]
mod tests;
