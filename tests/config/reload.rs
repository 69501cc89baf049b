//! A reload takes all of a new configuration, or nothing of it.

use std::sync::Arc;
use std::time::Duration;

use mercato::actors::ShopConfig;
use mercato::config::{Live, ReloadError, Sources, load};
use mercato::{Clock, Dependency, PolicyBook, Timestamp};

struct World {
    live: Live<ShopConfig>,
    book: Arc<PolicyBook>,
}

const FIRST: &str = "[journal]\nreplies_max = 5000\n\n\
                     [policies.ports.mail]\nattempt_timeout = \"8s\"\n";

/// A shop's policies under a configuration.
fn world() -> World {
    let loaded = load::<ShopConfig>(&Sources::text("shop.toml", FIRST)).expect("it is read");
    let book = PolicyBook::new(loaded.config.policies.clone()).expect("they hold");
    let book = Arc::new(book);
    let clock = Clock::starting_at(Timestamp::from_millis(0));
    let live = ShopConfig::live(loaded, book.clone(), clock);
    World { live, book }
}

impl World {
    /// Reads a text two seconds later.
    async fn reload(&self, text: &str) -> Result<Vec<String>, ReloadError> {
        tokio::time::advance(Duration::from_secs(2)).await;
        let changes = self.live.reload(&Sources::text("shop.toml", text))?;
        Ok(changes.iter().map(ToString::to_string).collect())
    }

    fn mail_timeout(&self) -> u64 {
        self.book
            .policy(Dependency::Port("mail"))
            .attempt_timeout
            .as_secs()
    }
}

/// Catches: a reload that does not reach who works by it, and an answer that does not say what
/// changed, from what, to what, and where.
#[tokio::test(start_paused = true)]
async fn what_may_change_counts_at_once_and_is_listed() {
    let world = world();
    assert_eq!(world.reload(FIRST).await.expect("the same"), [""; 0]);
    assert_eq!(world.book.version(), 1, "nothing is exchanged for the same");
    let second = FIRST.replace("8s", "7s") + "call_budget = \"30s\"\n\n[policies.ports.sms]\n";
    let changes = world.reload(&second).await.expect("it holds");
    assert_eq!(
        changes,
        [
            "policies.ports.mail.attempt_timeout: \"8s\" -> \"7s\" (shop.toml:5:1)",
            "policies.ports.mail.call_budget: \"1m\" -> \"30s\" (shop.toml:6:1)",
            "policies.ports.sms: nothing -> a table (shop.toml:8:17)",
        ]
    );
    assert_eq!(world.mail_timeout(), 7);
    let back = world.reload(FIRST).await.expect("it holds");
    assert_eq!(back.len(), 3, "{back:?}");
    assert_eq!(back[2], "policies.ports.sms: a table -> nothing (default)");
    assert_eq!(world.mail_timeout(), 8);
}

/// Catches: a half of a configuration in force, and a refusal that does not say which keys wait for a
/// restart.
#[tokio::test(start_paused = true)]
async fn one_key_that_needs_a_restart_keeps_all_of_it_out() {
    let world = world();
    let text = FIRST.replace("5000", "6000").replace("8s", "7s") + "\n[agents.order]\nshards = 8\n";
    let refused = world.reload(&text).await.expect_err("it needs a restart");
    let restart: Vec<_> = refused.restart().map(ToString::to_string).collect();
    assert_eq!(restart, ["journal.replies_max", "agents.order.shards"]);
    let told = refused.to_string();
    assert!(
        told.starts_with("nothing was changed, since some of it needs a restart:"),
        "{told}"
    );
    assert!(
        told.contains("agents.order.shards: 4 -> 8 (shop.toml:8:1), needs a restart"),
        "{told}"
    );
    assert!(
        told.contains("policies.ports.mail.attempt_timeout"),
        "{told}"
    );
    assert_eq!(world.mail_timeout(), 8);
    assert_eq!(world.live.current().config.journal.replies_max, 5_000);
    // Caches are opened once, also where they are named without a key.
    let caches = FIRST.to_owned() + "\n[caches]\n";
    let refused = world.reload(&caches).await.expect_err("it needs a restart");
    assert_eq!(refused.restart().count(), 1, "{refused}");
}

/// Catches: a file with a mistake that takes effect in part, or ends what is in force.
#[tokio::test(start_paused = true)]
async fn a_configuration_with_a_mistake_changes_nothing() {
    let world = world();
    let text = FIRST.replace("8s", "7s") + "retries = 3\n";
    let refused = world.reload(&text).await.expect_err("it is wrong");
    assert!(matches!(refused, ReloadError::Config(_)), "{refused}");
    assert_eq!(world.mail_timeout(), 8);
    assert_eq!(world.book.version(), 1);
}

/// Catches: a part that does not take the new configuration, and is passed over.
#[test]
fn a_part_that_refuses_keeps_all_of_it_out() {
    let loaded = load::<ShopConfig>(&Sources::nothing()).expect("the defaults");
    let live = Live::new(loaded, || Duration::ZERO, |_| Err("not now".into()));
    let text = "[policies.default]\nattempt_timeout = \"9s\"\n";
    let refused = live
        .reload(&Sources::text("shop.toml", text))
        .expect_err("refused");
    assert_eq!(refused.to_string(), "nothing was changed: not now");
    let now = live.current().config.policies.default.attempt_timeout;
    assert_eq!(now.as_secs(), 10);
}

/// Catches: reloads without a bound, which read the disk as often as somebody asks.
#[tokio::test(start_paused = true)]
async fn reloads_have_a_pace() {
    let world = world();
    let sources = Sources::text("shop.toml", FIRST);
    world.live.reload(&sources).expect("the first one");
    tokio::time::advance(Duration::from_millis(400)).await;
    match world.live.reload(&sources) {
        Err(ReloadError::TooSoon { retry_after }) => assert_eq!(retry_after.as_millis(), 600),
        other => panic!("{other:?}"),
    }
    tokio::time::advance(Duration::from_millis(600)).await;
    world.live.reload(&sources).expect("a second later");
}
