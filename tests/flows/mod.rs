//! What durable flows promise.

mod at_rest;
mod children;
mod operators;
mod parked;
mod pivot;
mod replies;
mod steps;
mod versions;
