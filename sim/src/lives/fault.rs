//! What goes wrong in a world, as plain data.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// All that goes wrong, beside power cuts.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FaultPlan {
    /// In no order.
    pub faults: Vec<Fault>,
}

/// One kind of fault, how often it strikes, and when.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// What goes wrong.
    pub kind: FaultKind,
    /// Its place among all that were drawn or written. What it draws is drawn by it, so that it strikes
    /// as before where others are left out.
    pub number: usize,
    /// How often: strikes a minute, or the share of what it may strike; see [`FaultKind::unit`].
    pub rate: f64,
    /// From when on, counted from the beginning of the world.
    pub from: Duration,
    /// Until when.
    pub until: Duration,
}

/// What can go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FaultKind {
    /// A shard panics while it has nothing in hand.
    CrashIdle,
    /// A shard panics with a command recorded and still in hand.
    CrashBusy,
    /// All flows are cut off and run again.
    CrashFlows,
    /// A command panics before it is decided.
    PanicDecide,
    /// A command panics where its entity is about to be loaded: replayed from the journal.
    PanicReplay,
    /// A command panics before its events are applied.
    PanicEvolve,
    /// A command panics once it is recorded, before it is answered.
    PanicAnswer,
    /// The command of a timer panics.
    PanicTimer,
    /// Many ask one agent for the same thing at once.
    MailboxPressure,
    /// The disk refuses writes for some seconds.
    DiskWriteError,
    /// The disk has no room for some seconds.
    DiskFull,
    /// A sync fails, and what was written since the one before is lost.
    DiskSyncError,
    /// Commits take fifty times as long for some seconds.
    DiskSlow,
    /// The clock jumps ahead.
    ClockJump,
    /// A bit of the disk turns over while the power is away.
    CorruptPage,
    /// Messages between the shop and its gateways are late.
    MessageDelay,
    /// A gateway is busy, and says so.
    GatewayBusy,
    /// A gateway hangs: it acted or not, and never answers.
    GatewaySilent,
    /// A gateway acts, and its answer is lost.
    GatewayUnknown,
    /// What a gateway tells by itself comes twice, and late.
    NoticeDoubled,
    /// A shard stops making progress, with messages in its hands.
    HangShard,
    /// A command panics in the midst of the stored events that its entity is made of.
    PanicFold,
    /// What agents and flows send each other is late.
    AgentDelay,
    /// The clock is set wrong, back or ahead, while the power is away.
    ClockSet,
}

/// What a rate counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RateUnit {
    /// Strikes a minute.
    AMinute,
    /// The share of all chances that it has, 0 to 1.
    Share,
}

impl FaultKind {
    /// All of them.
    pub const ALL: [Self; 24] = [
        Self::CrashIdle,
        Self::CrashBusy,
        Self::CrashFlows,
        Self::PanicDecide,
        Self::PanicReplay,
        Self::PanicEvolve,
        Self::PanicAnswer,
        Self::PanicTimer,
        Self::MailboxPressure,
        Self::DiskWriteError,
        Self::DiskFull,
        Self::DiskSyncError,
        Self::DiskSlow,
        Self::ClockJump,
        Self::CorruptPage,
        Self::MessageDelay,
        Self::GatewayBusy,
        Self::GatewaySilent,
        Self::GatewayUnknown,
        Self::NoticeDoubled,
        Self::HangShard,
        Self::PanicFold,
        Self::AgentDelay,
        Self::ClockSet,
    ];

    /// What its rate counts.
    #[must_use]
    pub fn unit(self) -> RateUnit {
        use FaultKind as K;
        match self {
            K::CrashIdle
            | K::CrashBusy
            | K::CrashFlows
            | K::MailboxPressure
            | K::DiskWriteError
            | K::DiskFull
            | K::DiskSyncError
            | K::DiskSlow
            | K::ClockJump
            | K::HangShard => RateUnit::AMinute,
            _ => RateUnit::Share,
        }
    }

    /// Its name, as scenario files have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        use FaultKind as K;
        match self {
            K::CrashIdle => "crash_idle",
            K::CrashBusy => "crash_busy",
            K::CrashFlows => "crash_flows",
            K::PanicDecide => "panic_decide",
            K::PanicReplay => "panic_replay",
            K::PanicEvolve => "panic_evolve",
            K::PanicAnswer => "panic_answer",
            K::PanicTimer => "panic_timer",
            K::MailboxPressure => "mailbox_pressure",
            K::DiskWriteError => "disk_write_error",
            K::DiskFull => "disk_full",
            K::DiskSyncError => "disk_sync_error",
            K::DiskSlow => "disk_slow",
            K::ClockJump => "clock_jump",
            K::CorruptPage => "corrupt_page",
            K::MessageDelay => "message_delay",
            K::GatewayBusy => "gateway_busy",
            K::GatewaySilent => "gateway_silent",
            K::GatewayUnknown => "gateway_unknown",
            K::NoticeDoubled => "notice_doubled",
            K::HangShard => "hang_shard",
            K::PanicFold => "panic_fold",
            K::AgentDelay => "agent_delay",
            K::ClockSet => "clock_set",
        }
    }
}

impl FaultPlan {
    /// The share at which a fault strikes at a moment, counted from the beginning of the world.
    #[must_use]
    pub fn share(&self, kind: FaultKind, at: Duration) -> f64 {
        let of_kind = self.faults.iter().filter(|fault| fault.kind == kind);
        let now = of_kind.filter(|fault| fault.from <= at && at < fault.until);
        now.map(|fault| fault.rate).sum::<f64>().clamp(0.0, 1.0)
    }

    /// Whether a kind is in it at all.
    #[must_use]
    pub fn has(&self, kind: FaultKind) -> bool {
        self.faults.iter().any(|fault| fault.kind == kind)
    }

    /// When the last window closes.
    #[must_use]
    pub fn over_at(&self) -> Duration {
        let ends = self.faults.iter().map(|fault| fault.until);
        ends.max().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Catches: a name that scenario files cannot use, and a kind that is left out.
    #[test]
    fn every_kind_has_the_name_under_which_it_is_stored() {
        for kind in FaultKind::ALL {
            let stored = serde_json::to_string(&kind).expect("a name");
            assert_eq!(stored, format!("\"{}\"", kind.name()));
        }
    }

    /// Catches: a fault that strikes outside its window.
    #[test]
    fn a_share_counts_in_its_window_only() {
        let second = Duration::from_secs(1);
        let plan = FaultPlan {
            faults: vec![Fault {
                kind: FaultKind::GatewayBusy,
                number: 0,
                rate: 0.25,
                from: second,
                until: second * 2,
            }],
        };
        let share = |at| plan.share(FaultKind::GatewayBusy, at);
        assert_eq!((share(Duration::ZERO), share(second * 2)), (0.0, 0.0));
        assert!((share(second) - 0.25).abs() < 1e-9);
    }
}
