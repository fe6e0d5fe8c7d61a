//! Verifies webhooks with the svix crate.

mod program;

fn main() {
    program::show_verdicts(|given| {
        let webhook = svix::webhooks::Webhook::new(&given.secret).unwrap();
        webhook.verify(given.body.as_bytes(), &given.headers())
    });
}
