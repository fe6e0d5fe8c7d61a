//! Verifies webhooks with the standardwebhooks crate.

mod program;

fn main() {
    program::show_verdicts(|given| {
        let webhook = standardwebhooks::Webhook::new(&given.secret).unwrap();
        webhook.verify(given.body.as_bytes(), &given.headers())
    });
}
