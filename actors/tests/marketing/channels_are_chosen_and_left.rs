//! By which channel a message goes, and how its reader gets out of it.

use mercato_runtime::testkit::TestRuntime;

use super::town::{Town, ada, ask, begin, spring, subscribe};
use super::*;

async fn agrees(shop: &TestRuntime, channel: Channel) {
    let agree = RecordConsent {
        customer: ada(),
        channel,
        ..consent(true)
    };
    ask(shop, agree).await;
}

async fn is_reached(shop: &TestRuntime, channel: Channel, address: &str) {
    let person = ada().person().unwrap();
    let address = ChannelAddress::new(channel, address).unwrap();
    let address = shop.handle().seal(&person, &address).unwrap();
    let customer = ada();
    ask(
        shop,
        RecordReach {
            customer,
            channel,
            address,
        },
    )
    .await;
}

fn by(channels: &[Channel]) -> CampaignPlan {
    CampaignPlan {
        channels: channels.to_vec(),
        ..spring("hello {{ customer }}")
    }
}

/// Catches: a channel that is chosen and not used, or used without consent to it.
#[tokio::test(start_paused = true)]
async fn each_customer_is_reached_by_the_first_channel_that_they_agreed_to() {
    let town = Town::new();
    let shop = town.open().await;
    subscribe(&shop).await;
    is_reached(&shop, Channel::Sms, "+447700900123").await;
    agrees(&shop, Channel::Sms).await;
    begin(&shop, by(&[Channel::Sms, Channel::Email])).await;
    town.world.pass(HOUR).await;
    let texts = town.sms.ledger();
    assert_eq!(texts.len(), 1);
    assert_eq!(&*texts[0].message.to, "+447700900123");
    assert_eq!(town.post.promotions().len(), 0);
    shop.stop().await;
}

/// Catches: a message that is lost to a channel without an address, where another that its reader
/// agreed to has one.
#[tokio::test(start_paused = true)]
async fn a_channel_without_an_address_is_passed_over() {
    let town = Town::new();
    let shop = town.open().await;
    subscribe(&shop).await;
    agrees(&shop, Channel::Sms).await;
    begin(&shop, by(&[Channel::Sms, Channel::Email])).await;
    town.world.pass(HOUR).await;
    assert_eq!(town.sms.ledger(), []);
    assert_eq!(town.post.promotions().len(), 1);
    shop.stop().await;
}

/// Catches: somebody who is given up before their message is due, though their address comes in time.
#[tokio::test(start_paused = true)]
async fn an_address_that_comes_before_the_message_is_due_is_in_time() {
    let town = Town::new();
    let shop = town.open().await;
    agrees(&shop, Channel::Sms).await;
    let later = CampaignPlan {
        delay: HOUR,
        ..by(&[Channel::Sms])
    };
    begin(&shop, later).await;
    is_reached(&shop, Channel::Sms, "+447700900123").await;
    town.world.pass(HOUR * 2).await;
    assert_eq!(town.sms.ledger().len(), 1);
    shop.stop().await;
}

/// Catches: a text of a campaign whose reader is not told how to end it, and a channel that goes by
/// another's gateway.
#[tokio::test(start_paused = true)]
async fn a_text_goes_by_its_own_gateway_and_ends_with_a_way_out() {
    let lines = MarketingSettings::default().ways_out;
    for (channel, address, line) in [
        (Channel::Sms, "+447700900123", lines.sms),
        (Channel::Push, "device-1", lines.push),
        (Channel::Social, "@ada", lines.social),
    ] {
        let town = Town::new();
        let shop = town.open().await;
        is_reached(&shop, channel, address).await;
        agrees(&shop, channel).await;
        begin(&shop, by(&[channel])).await;
        town.world.pass(HOUR).await;
        let ledgers = [&town.sms, &town.push, &town.social].map(|gateway| gateway.ledger());
        let sent: Vec<_> = ledgers.concat();
        assert_eq!(sent.len(), 1, "{channel:?}");
        let own = match channel {
            Channel::Push => &ledgers[1],
            Channel::Social => &ledgers[2],
            _ => &ledgers[0],
        };
        assert_eq!(*own, sent, "{channel:?}");
        assert_eq!(&*sent[0].message.to, address);
        let expected = format!("hello ada\n{}", line.as_str());
        assert_eq!(&*sent[0].message.text, expected);
        shop.stop().await;
    }
}

/// Catches: a confirmation that says how to unsubscribe from it, which nobody can, and mail that has the
/// texts' way out beside its own.
#[test]
fn what_a_customer_needs_has_no_way_out() {
    let mut given = subscribed();
    let offer = given.ask(&promotion(1, NOON.plus(DAY))).unwrap();
    let confirmed = given.ask(&confirmation()).unwrap();
    let lines = MarketingSettings::default().ways_out;
    for message in [offer, confirmed] {
        let SendDecision::Send { words, .. } = given.ask(&decide(&message)).unwrap() else {
            panic!("{message} is not sent");
        };
        for line in [&lines.sms, &lines.push, &lines.social] {
            assert!(!words.content.body.contains(line.as_str()), "{message}");
        }
    }
}
