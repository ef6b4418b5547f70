//! The page at `/`, in a real browser.

use crate::{
    browser::Browser,
    fixtures::{phone_photo, zip},
    stack::Stack,
};

const INPUT: &str = "[data-testid=file-input]";

#[tokio::test]
async fn a_chosen_file_is_sent_and_its_variants_are_shown() {
    let stack = Stack::served_by_the_edge().await;
    let (api, _worker) = (stack.api().await, stack.worker().await);
    let browser = Browser::open().await;
    browser
        .goto(&format!("{}/#key={}", api.ready, stack.key))
        .await;
    browser
        .choose(
            INPUT,
            &stack.file("at the sea.jpg", &phone_photo(1600, 1200)),
        )
        .await;

    browser
        .find("[data-testid=file-card][data-status=READY]")
        .await;
    for step in [
        "assemble",
        "scan",
        "validate",
        "promote",
        "transcode",
        "finalize",
    ] {
        let done = format!("[data-testid=step][data-name={step}][data-state=done]");
        browser.find(&done).await;
    }
    let shown = browser.find("[data-testid=variant]").await;
    assert!(
        browser.loaded_width(&shown).await > 0,
        "the picture itself, not only its frame"
    );
    assert!(
        !browser.address().await.contains('#'),
        "the key does not stay in the address bar"
    );

    browser
        .choose(INPUT, &stack.file("holiday.jpg", &zip()))
        .await;
    let refused = "[data-testid=file-card][data-status=REJECTED] [data-testid=rejection-code]";
    let code = browser.text(&browser.find(refused).await).await;
    assert!(code.contains("unsupported_type"), "{code}");
}
