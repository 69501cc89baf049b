//! A small agent with a state of about 200 bytes, which the measurements ask.

use std::borrow::Cow;
use std::collections::VecDeque;

use mercato_runtime::{Agent, Command, Commands, Context, Decided, Decision, Kind, events};
use serde::{Deserialize, Serialize};

/// Accounts that are posted to.
pub(crate) struct Accounts;

/// How many amounts an account remembers.
const RECENT_MAX: usize = 22;

/// What an account is.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Account {
    balance: u64,
    posted: u64,
    recent: VecDeque<u64>,
    /// Not part of what is kept, so it begins at nothing wherever the state came from a snapshot.
    #[serde(skip)]
    replayed: u64,
}

impl Account {
    /// What so many events make of it.
    pub(crate) fn after(events: u64) -> Self {
        let mut account = Self::default();
        for amount in 0..events {
            let posted = Posted {
                // A small number would take less than its eight bytes.
                amount: u64::MAX - amount,
                memo: Vec::new(),
            };
            Accounts::evolve(&mut account, &posted.into());
        }
        account
    }
}

/// An amount was posted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Posted {
    amount: u64,
    memo: Vec<u8>,
}

events! {
    /// What happens to an account.
    pub(crate) enum AccountEvent { Posted: 1 }
}

/// An account refuses nothing.
#[derive(Debug, Clone, Serialize, Deserialize, thiserror::Error)]
pub(crate) enum Never {}

impl Agent for Accounts {
    const NAME: &'static str = "account";
    type State = Account;
    type Event = AccountEvent;
    type Rejection = Never;

    fn evolve(account: &mut Account, AccountEvent::Posted(posted): &AccountEvent) {
        account.balance = account.balance.wrapping_add(posted.amount);
        account.posted += 1;
        account.replayed += 1;
        account.recent.push_back(posted.amount);
        if account.recent.len() > RECENT_MAX {
            account.recent.pop_front();
        }
    }

    fn commands(commands: &mut Commands<Self>) {
        commands.add::<Post>().add::<Look>();
    }
}

/// Posts an amount.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Post {
    pub(crate) account: Box<str>,
    pub(crate) amount: u64,
    pub(crate) memo: Vec<u8>,
}

impl Command for Post {
    type Agent = Accounts;
    type Reply = u64;
    const NAME: &'static str = "Post";

    fn entity(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.account)
    }

    fn decide(&self, _: &Accounts, account: &Account, _: &Context<'_>) -> Decided<Self> {
        let posted = Posted {
            amount: self.amount,
            memo: self.memo.clone(),
        };
        Ok(Decision::reply(account.balance.wrapping_add(self.amount)).record(posted))
    }
}

/// Looks at an account.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Look {
    pub(crate) account: Box<str>,
}

/// What is seen of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Seen {
    /// How many events it holds.
    pub(crate) posted: u64,
    /// How many of them were applied since it was last loaded.
    pub(crate) replayed: u64,
}

impl Command for Look {
    type Agent = Accounts;
    type Reply = Seen;
    const NAME: &'static str = "Look";
    const KIND: Kind = Kind::Read;

    fn entity(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.account)
    }

    fn decide(&self, _: &Accounts, account: &Account, _: &Context<'_>) -> Decided<Self> {
        Ok(Decision::reply(Seen {
            posted: account.posted,
            replayed: account.replayed,
        }))
    }
}

/// The keys of so many accounts, the hot ones first.
pub(crate) fn keys(entities: u32) -> Vec<Box<str>> {
    (0..entities)
        .map(|entity| entity.to_string().into())
        .collect()
}

#[cfg(test)]
mod tests {
    use mercato_runtime::codec;

    use super::*;

    /// Catches: a state of another size than is said.
    #[test]
    fn a_state_has_about_200_bytes_and_does_not_grow() {
        for events in [50, 5_000] {
            let state = codec::encode(&Account::after(events)).expect("it has a stored form");
            assert!((190..=260).contains(&state.len()), "{} bytes", state.len());
        }
    }

    /// Catches: events of before a snapshot that are counted as applied again.
    #[test]
    fn what_a_snapshot_holds_does_not_count_as_replayed() {
        let bytes = codec::encode(&Account::after(50)).expect("it has a stored form");
        let mut restored: Account = codec::decode(&bytes).expect("it reads back");
        let posted = Posted {
            amount: 1,
            memo: Vec::new(),
        };
        Accounts::evolve(&mut restored, &posted.into());
        assert_eq!((restored.posted, restored.replayed), (51, 1));
    }
}
