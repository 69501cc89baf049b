//! Which stored events a program can read.

/// One stored form: a name and the version of a layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventForm {
    /// The stored name.
    pub name: &'static str,
    /// The version of the payload's layout.
    pub version: u16,
}

/// One event of an agent: the form in which it is recorded today, and the older ones that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventSchema {
    /// What is recorded.
    pub current: EventForm,
    /// What is still read, through upcasters.
    pub older: &'static [EventForm],
}

impl EventSchema {
    /// Every form that is read, the current one first.
    pub fn readable(&self) -> impl Iterator<Item = EventForm> {
        std::iter::once(self.current).chain(self.older.iter().copied())
    }

    /// Holds the declarations of one agent's events against each other. `events!` calls it while
    /// the program is compiled.
    ///
    /// # Panics
    /// When an older version is not below the current one, or a form is declared twice.
    pub const fn check(schema: &[Self]) {
        let mut event = 0;
        while event < schema.len() {
            let EventSchema { current, older } = schema[event];
            assert!(
                times(schema, current) == 1,
                "an event's name and version stand twice in `events!`; each may stand once"
            );
            let mut place = 0;
            while place < older.len() {
                assert!(
                    older[place].version < current.version
                        || !same_text(older[place].name, current.name),
                    "an upcaster in `events!` reads a version that is not below the event's own"
                );
                assert!(
                    times(schema, older[place]) == 1,
                    "an older form stands twice in `events!`; each may be read by one upcaster"
                );
                place += 1;
            }
            event += 1;
        }
    }
}

/// How often a form is declared. Written without iterators, which the compiler cannot run yet.
const fn times(schema: &[EventSchema], form: EventForm) -> usize {
    let (mut found, mut event) = (0, 0);
    while event < schema.len() {
        found += same_form(schema[event].current, form) as usize;
        let mut place = 0;
        while place < schema[event].older.len() {
            found += same_form(schema[event].older[place], form) as usize;
            place += 1;
        }
        event += 1;
    }
    found
}

const fn same_form(left: EventForm, right: EventForm) -> bool {
    left.version == right.version && same_text(left.name, right.name)
}

const fn same_text(left: &str, right: &str) -> bool {
    let (left, right) = (left.as_bytes(), right.as_bytes());
    if left.len() != right.len() {
        return false;
    }
    let mut place = 0;
    while place < left.len() {
        if left[place] != right[place] {
            return false;
        }
        place += 1;
    }
    true
}
