// SPDX-License-Identifier: MIT OR Apache-2.0
//! Values in the words of a report. Readers do not know Rust.

use std::borrow::Cow;

use lab_agent::{BufferMemory, Page};
use nix::errno::Errno;
use protocol::{
    netlink::PortId,
    router::{self, Member, Roles},
    routes::{News, Reason},
};

/// The result of a call, as transcripts show it.
pub fn shown(returned: Result<i64, Errno>) -> String {
    match returned {
        Ok(value) => value.to_string(),
        // The contract uses this name; the number is the same.
        Err(Errno::EWOULDBLOCK) => "EWOULDBLOCK".to_owned(),
        Err(errno) => format!("{errno:?}"),
    }
}

/// A value that a report shows.
pub trait InWords: PartialEq {
    /// What a report shows if there is no value.
    const NONE: &'static str = "none";

    /// The value for people.
    fn in_words(&self) -> String;
}

/// Values that are shown as `Display` shows them.
macro_rules! as_displayed {
    ($($kind:ty)*) => {
        $(impl InWords for $kind {
            fn in_words(&self) -> String {
                self.to_string()
            }
        })*
    };
}
as_displayed! { u8 u16 u32 u64 usize i32 i64 str String PortId }

impl InWords for bool {
    fn in_words(&self) -> String {
        if *self { "yes" } else { "no" }.to_owned()
    }
}

impl InWords for Errno {
    const NONE: &'static str = "success";

    fn in_words(&self) -> String {
        shown(Err(*self))
    }
}

impl<T: InWords> InWords for Option<T> {
    fn in_words(&self) -> String {
        self.as_ref()
            .map_or_else(|| T::NONE.to_owned(), InWords::in_words)
    }
}

impl<T: InWords> InWords for Result<T, Errno> {
    fn in_words(&self) -> String {
        match self {
            Ok(value) => value.in_words(),
            Err(errno) => errno.in_words(),
        }
    }
}

impl<T: InWords> InWords for [T] {
    fn in_words(&self) -> String {
        let words: Vec<_> = self.iter().map(InWords::in_words).collect();
        if words.is_empty() {
            return "none".to_owned();
        }
        words.join(", ")
    }
}

impl<T: InWords> InWords for Vec<T> {
    fn in_words(&self) -> String {
        self[..].in_words()
    }
}

impl<T: InWords, const N: usize> InWords for [T; N] {
    fn in_words(&self) -> String {
        self[..].in_words()
    }
}

impl<A: InWords, B: InWords> InWords for (A, B) {
    fn in_words(&self) -> String {
        format!("{} {}", self.0.in_words(), self.1.in_words())
    }
}

impl<A: InWords, B: InWords, C: InWords> InWords for (A, B, C) {
    fn in_words(&self) -> String {
        format!(
            "{} {} {}",
            self.0.in_words(),
            self.1.in_words(),
            self.2.in_words()
        )
    }
}

impl<T: InWords + ?Sized> InWords for &T {
    fn in_words(&self) -> String {
        (**self).in_words()
    }
}

impl<A: InWords, B: InWords, C: InWords, D: InWords> InWords for (A, B, C, D) {
    fn in_words(&self) -> String {
        let (a, b, c, d) = self;
        let words = [a.in_words(), b.in_words(), c.in_words(), d.in_words()];
        words.join(" ")
    }
}

impl InWords for Cow<'_, str> {
    fn in_words(&self) -> String {
        self.as_ref().to_owned()
    }
}

impl InWords for Roles {
    fn in_words(&self) -> String {
        match *self {
            Roles::PUBLISHER => "publisher".to_owned(),
            Roles::SUBSCRIBER => "subscriber".to_owned(),
            Roles::BOTH => "both".to_owned(),
            Roles(other) => format!("roles {other:#x}"),
        }
    }
}

impl InWords for router::Report {
    fn in_words(&self) -> String {
        format!("{} delivered, {} dropped", self.delivered, self.dropped)
    }
}

impl InWords for Member {
    fn in_words(&self) -> String {
        let from = self.from.map_or_else(String::new, |portid| {
            format!(" of publisher portid {portid}")
        });
        format!(
            "{}{from} portid {} of process {} ({} delivered, {} dropped)",
            self.role.in_words(),
            self.portid,
            self.pid,
            self.delivered,
            self.dropped
        )
    }
}

impl InWords for News<'_> {
    fn in_words(&self) -> String {
        match self {
            News::Entry { name, expire_ms } => {
                let when = expire_ms.map_or_else(|| "never".to_owned(), |ms| format!("in {ms} ms"));
                format!("entry {name}, expires {when}")
            }
            News::Added(name) => format!("{name} was added"),
            News::Deleted(name, reason) => {
                let why = match reason {
                    Reason::Expired => "it expired",
                    Reason::Requested => "as requested",
                };
                format!("{name} was deleted, {why}")
            }
        }
    }
}

impl InWords for Page {
    fn in_words(&self) -> String {
        let words = match self {
            Page::Writable => "writable",
            Page::ReadOnly => "read-only",
            Page::NoAccess => "inaccessible",
            Page::Unmapped => "unmapped",
        };
        words.to_owned()
    }
}

impl InWords for BufferMemory {
    fn in_words(&self) -> String {
        let (before, front, back) = self.border();
        let rest = back.in_words();
        if before == 0 || front == back {
            return format!("{rest} memory");
        }
        format!(
            "{before} bytes of {} memory, the rest {rest}",
            front.in_words()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_is_shown_as_rust_shows_it() {
        assert_eq!(Some(Errno::ECONNREFUSED).in_words(), "ECONNREFUSED");
        assert_eq!(None::<Errno>.in_words(), "success");
        assert_eq!(Err::<i64, _>(Errno::EAGAIN).in_words(), "EWOULDBLOCK");
        assert_eq!(vec![(PortId(67), 197, 0)].in_words(), "67 197 0");
        assert_eq!([Some("R1"), None].in_words(), "R1, none");
        assert_eq!(Vec::<String>::new().in_words(), "none");
        assert_eq!(BufferMemory::ReadOnly.in_words(), "read-only memory");
        let crossing = BufferMemory::Crossing { mapped: 3 };
        let words = "3 bytes of writable memory, the rest unmapped";
        assert_eq!(crossing.in_words(), words);
    }
}
