//! The rules of sending over any history.

use std::num::NonZeroU32;

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Step {
    Consent(bool),
    Unsubscribe,
    Queue(u32),
    Send(u32),
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => any::<bool>().prop_map(Step::Consent),
        1 => Just(Step::Unsubscribe),
        4 => (0u32..12).prop_map(Step::Queue),
        8 => (0u32..12).prop_map(Step::Send),
        4 => (0u64..40).prop_map(Step::Wait),
    ]
}

proptest! {
    /// Whatever happens in whatever order: consent, cap and quiet hours hold at every send.
    #[test]
    fn no_promotion_without_consent_over_the_cap_or_in_quiet_hours(
        steps in proptest::collection::vec(step(), 1..120)
    ) {
        let two = NonZeroU32::new(2).unwrap();
        let mut given = with(MarketingSettings {
            cap: FrequencyCap::new(two, DAY).unwrap(),
            ..MarketingSettings::default()
        });
        given.ask(&contact()).unwrap();
        let mut agreed = false;
        let mut sends: Vec<(u32, Timestamp)> = Vec::new();
        for step in steps {
            match step {
                Step::Consent(granted) => {
                    given.ask(&consent(granted)).unwrap();
                    agreed = granted;
                }
                Step::Unsubscribe => {
                    given.ask(&Unsubscribe { customer: customer() }).unwrap();
                    agreed = false;
                }
                Step::Queue(occasion) => {
                    let expires_at = given.now().plus(DAY * 3);
                    given.ask(&promotion(occasion, expires_at)).unwrap();
                }
                Step::Send(occasion) => {
                    let message = MessageId::Campaign {
                        campaign: campaign(),
                        occasion: promotion(occasion, NOON).occasion,
                    };
                    if let Ok(SendDecision::Send { .. }) = given.ask(&decide(&message)) {
                        prop_assert!(agreed);
                        prop_assert_eq!(QuietHours::night_utc().end(given.now()), None);
                        if sends.iter().all(|(sent, _)| *sent != occasion) {
                            sends.push((occasion, given.now()));
                        }
                        // A gateway takes its time, and loses an answer now and then.
                        if !occasion.is_multiple_of(3) {
                            given.pass(Duration::from_secs(occasion.into()));
                            given.ask(&delivery(&message)).unwrap();
                        }
                    }
                }
                Step::Wait(hours) => {
                    given.pass(Duration::from_secs(hours * 3_600));
                }
            }
        }
        for window in sends.windows(3) {
            prop_assert!(window[2].1.since(window[0].1) >= DAY);
        }
    }
}
