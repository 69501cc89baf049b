//! What a cart costs: looked at, locked under a name, and taken by a checkout.
//!
//! Looking records nothing. What is locked the shop stands by for the lifetime of a quote, coupons
//! included; what a checkout takes is recorded line by line with the reasons, for good.

use futures::future::join_all;
use mercato_runtime::{AskError, AskFailure, Flow, FlowError, Scope};

use super::cart::{CartError, own_cart};
use super::checkout::{CheckoutError, OWN_NAMES};
use crate::domain::{Cart, CouponCode, OrderId, Quantity, QuoteId, Sku};
use crate::pricing::{
    AcceptQuote, CartQuote, CheckCoupon, ClaimCoupon, CouponHold, HeldCoupon, IssueQuote,
    LineQuote, PricedBasket, PricingRejection, QuoteLine, ReleaseCoupon, ReleaseQuote, Segment,
    TakeOverCoupon, price_basket,
};

/// Prices a cart with its coupons, asking for everything at once; `None` of an empty one, which has
/// no currency.
pub(super) async fn look_at_prices(
    scope: &Scope,
    cart: &Cart,
    segment: Segment,
) -> Result<Option<PricedBasket>, CartError> {
    let lines = lines_of(scope, cart, segment).await?;
    let Some(currency) = lines.first().map(|line| line.quote.unit.currency()) else {
        return Ok(None);
    };
    let checked = cart.coupons().iter().map(async |code| {
        let check = CheckCoupon {
            code: code.clone(),
            customer: cart.customer().clone(),
        };
        scope.ask(check).await.map_err(unpriced)
    });
    let terms = all(join_all(checked).await)?;
    let coupons: Vec<_> = cart.coupons().iter().zip(&terms).collect();
    Ok(Some(price_basket(currency, lines, &coupons)?))
}

/// Locks what a cart costs, under a name: for the lifetime of a quote the shop stands by it, and its
/// coupons are held. Put the name into the cart ([`Cart::hold_quote`]), and the checkout takes it.
///
/// # Errors
/// When the cart is another customer's, a product has no price, a coupon cannot be used, or Pricing could
/// not be asked. Coupons that were held by then lapse by themselves.
pub async fn lock_cart(
    scope: &Scope,
    cart: &Cart,
    segment: Segment,
    quote: QuoteId,
) -> Result<CartQuote, CartError> {
    own_cart(scope, cart)?;
    let lines = lines_of(scope, cart, segment).await?;
    let claimed = cart.coupons().iter().map(async |code| {
        let claim = ClaimCoupon {
            code: code.clone(),
            holder: quote.clone(),
            customer: cart.customer().clone(),
            hold: CouponHold::WhileQuoted,
        };
        Ok::<_, CartError>(HeldCoupon {
            terms: scope.ask(claim).await.map_err(unpriced)?,
            code: code.clone(),
            holder: quote.clone(),
        })
    });
    let coupons = all(join_all(claimed).await)?;
    let issue = IssueQuote {
        quote,
        customer: cart.customer().clone(),
        order: None,
        lines,
        coupons,
    };
    scope.ask_as_system(issue).await.map_err(unpriced)
}

/// What units of a product cost now.
pub(super) async fn look_at_line(
    scope: &Scope,
    sku: &Sku,
    quantity: Quantity,
    segment: Segment,
) -> Result<LineQuote, CartError> {
    let quote = QuoteLine::new(sku.clone(), quantity, segment);
    scope.ask(quote).await.map_err(unpriced)
}

async fn lines_of(
    scope: &Scope,
    cart: &Cart,
    segment: Segment,
) -> Result<Vec<LineQuote>, CartError> {
    let asked = cart.lines().iter().map(async |line| {
        let quote = QuoteLine::new(line.sku.clone(), line.quantity, segment);
        scope.ask(quote.holding(line.held)).await.map_err(unpriced)
    });
    all(join_all(asked).await)
}

fn all<T, E>(answers: Vec<Result<T, E>>) -> Result<Vec<T>, E> {
    answers.into_iter().collect()
}

fn unpriced(error: AskError<PricingRejection>) -> CartError {
    match error {
        AskError::Rejected(rejection) => CartError::Pricing(rejection),
        AskError::Failed(failure) => failure.into(),
        _ => AskFailure::Stopped.into(),
    }
}

/// Locks what an order costs: by the quote that its cart holds, or else line by line, honouring the
/// prices that the shopper holds. When the order comes to nothing, news of it gives the coupons back.
pub(super) async fn quote_order(
    flow: &Flow,
    order: &OrderId,
    cart: &Cart,
    segment: Segment,
) -> Result<CartQuote, CheckoutError> {
    let (lines, coupons) = match cart.quote() {
        Some(quote) => accept_quote(flow, order, cart, quote).await?,
        None => {
            let lines = quote_lines(flow, cart, segment).await?;
            let holder = QuoteId::from(order);
            let coupons = claim_coupons(flow, cart, cart.coupons(), &holder).await?;
            (lines, coupons)
        }
    };
    let issue = IssueQuote {
        quote: order.into(),
        customer: cart.customer().clone(),
        order: Some(order.clone()),
        lines,
        coupons,
    };
    flow.ask_as_system("quote", issue).await.map_err(of_pricing)
}

/// Takes the quote that the cart holds. Its coupons are held for it, and are kept from now on.
async fn accept_quote(
    flow: &Flow,
    order: &OrderId,
    cart: &Cart,
    quote: &QuoteId,
) -> Result<(Vec<LineQuote>, Vec<HeldCoupon>), CheckoutError> {
    let release = ReleaseQuote {
        quote: quote.clone(),
        order: order.clone(),
    };
    flow.undo_command("accept", release).await?;
    let lines = cart.lines().iter();
    let accept = AcceptQuote {
        quote: quote.clone(),
        customer: cart.customer().clone(),
        order: order.clone(),
        lines: lines
            .map(|line| (line.sku.clone(), line.quantity))
            .collect(),
    };
    let accepted = flow.ask("accept", accept).await.map_err(of_pricing)?;
    let codes: Vec<CouponCode> = accepted.coupons.into_iter().map(|it| it.code).collect();
    let coupons = match flow.version() < OWN_NAMES {
        true => claim_coupons(flow, cart, &codes, quote).await?,
        false => take_over_coupons(flow, cart, &codes, quote, &QuoteId::from(order)).await?,
    };
    let lines = accepted.lines.into_iter().map(|it| it.line);
    Ok((lines.collect(), coupons))
}

async fn quote_lines(
    flow: &Flow,
    cart: &Cart,
    segment: Segment,
) -> Result<Vec<LineQuote>, CheckoutError> {
    let asked = cart.lines().iter().map(|line| async move {
        let quote = QuoteLine::new(line.sku.clone(), line.quantity, segment);
        let step = format!("quote/{}", line.sku);
        let answer = flow.ask(&step, quote.holding(line.held)).await;
        answer.map_err(of_pricing)
    });
    all(join_all(asked).await)
}

/// Takes over the uses that the cart's quote holds. An order that comes to nothing gives the quote
/// back, and the next one takes it: so each has its uses under its own name, and gives back no other's.
async fn take_over_coupons(
    flow: &Flow,
    cart: &Cart,
    codes: &[CouponCode],
    quote: &QuoteId,
    holder: &QuoteId,
) -> Result<Vec<HeldCoupon>, CheckoutError> {
    put_down_releases(flow, codes, holder).await?;
    let asked = codes.iter().map(|code| async move {
        let take = TakeOverCoupon {
            code: code.clone(),
            from: quote.clone(),
            holder: holder.clone(),
            customer: cart.customer().clone(),
        };
        let taken = flow.ask_as_system(&format!("coupon/{code}"), take).await;
        Ok(HeldCoupon {
            terms: taken.map_err(of_pricing)?,
            code: code.clone(),
            holder: holder.clone(),
        })
    });
    all(join_all(asked).await)
}

/// Puts the undo of each use down before the first is taken, so that no branch of the join can leave
/// one without.
async fn put_down_releases(
    flow: &Flow,
    codes: &[CouponCode],
    holder: &QuoteId,
) -> Result<(), FlowError> {
    for code in codes {
        let release = ReleaseCoupon {
            code: code.clone(),
            holder: holder.clone(),
        };
        let step = format!("coupon/{code}");
        flow.undo_command(&step, release).await?;
    }
    Ok(())
}

/// Takes a use of each coupon.
async fn claim_coupons(
    flow: &Flow,
    cart: &Cart,
    codes: &[CouponCode],
    holder: &QuoteId,
) -> Result<Vec<HeldCoupon>, CheckoutError> {
    put_down_releases(flow, codes, holder).await?;
    let asked = codes.iter().map(|code| async move {
        let claim = ClaimCoupon {
            code: code.clone(),
            holder: holder.clone(),
            customer: cart.customer().clone(),
            hold: CouponHold::ForGood,
        };
        let claimed = flow.ask_as_system(&format!("coupon/{code}"), claim).await;
        Ok(HeldCoupon {
            terms: claimed.map_err(of_pricing)?,
            code: code.clone(),
            holder: holder.clone(),
        })
    });
    all(join_all(asked).await)
}

fn of_pricing(error: AskError<PricingRejection>) -> CheckoutError {
    match error {
        AskError::Rejected(rejection) => CheckoutError::Pricing(rejection),
        other => CheckoutError::Flow(other.into()),
    }
}
