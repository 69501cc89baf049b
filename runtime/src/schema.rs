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

#[cfg(test)]
mod tests {
    use super::*;

    const fn form(name: &'static str, version: u16) -> EventForm {
        EventForm { name, version }
    }

    const fn event(current: EventForm, older: &'static [EventForm]) -> EventSchema {
        EventSchema { current, older }
    }

    /// What a program that declares these events would not compile for.
    fn refused(schema: &[EventSchema]) -> Option<&'static str> {
        let told = std::panic::catch_unwind(|| EventSchema::check(schema)).err()?;
        let told: &&str = told.downcast_ref().expect("it is told in words");
        told.split_once(';').map(|(what, _)| what).or(Some(*told))
    }

    const GONE: EventSchema = event(form("Gone", 1), &[]);
    const PLACED: EventSchema = event(form("Placed", 3), &[form("Placed", 1), form("Placed", 2)]);
    const MOVED: EventSchema = event(form("Moved", 1), &[form("Carried", 1), form("Carried", 7)]);
    /// What may not stand by itself, or not beside the others.
    const IN_TWO_WAYS: EventSchema = event(form("Gone", 1), &[form("Gone", 1)]);
    const FROM_ABOVE: EventSchema = event(form("Left", 1), &[form("Was", 1), form("Left", 2)]);
    const OF_ANOTHER: EventSchema = event(form("Left", 2), &[form("Left", 1), form("Carried", 7)]);
    const FROM_ONE_TWICE: EventSchema = event(form("Left", 2), &[form("Left", 1), form("Left", 1)]);

    /// Catches: events that could not be told apart in a journal, in whichever place they stand, and
    /// names that are taken for one another because they begin, end or are numbered alike.
    #[test]
    fn each_stored_form_is_declared_once_and_upcast_from_below() {
        let alike = ["Gone", "Done", "Gong"].map(|name| event(form(name, 1), &[]));
        assert_eq!(refused(&[]), None);
        assert_eq!(refused(&alike), None);
        assert_eq!(refused(&[PLACED, MOVED, GONE]), None);

        let twice = Some("an event's name and version stand twice in `events!`");
        assert_eq!(refused(&[MOVED, GONE, MOVED]), twice);
        assert_eq!(refused(&[event(form("Placed", 2), &[]), PLACED]), twice);
        assert_eq!(refused(&[IN_TWO_WAYS]), twice);

        let above = "an upcaster in `events!` reads a version that is not below the event's own";
        assert_eq!(refused(&[MOVED, FROM_ABOVE]), Some(above));

        let older = Some("an older form stands twice in `events!`");
        assert_eq!(refused(&[PLACED, MOVED, OF_ANOTHER]), older);
        assert_eq!(refused(&[FROM_ONE_TWICE]), older);
    }
}
