//! The page at `/`, in a real browser.

use crate::{
    browser::Browser,
    documents::pages,
    films::film,
    fixtures::{phone_photo, zip},
    sounds::song,
    stack::Stack,
};

const INPUT: &str = "[data-testid=file-input]";
/// How far what the page shows of a picture, its AVIF, is from the WebP: the mean of all samples, of 255.
const AVIF_DIFFERENCE: &str = "
    return (async () => {
    const shown = [...document.querySelectorAll('[data-testid=variant]')][0];
    shown.loading = 'eager';
    await shown.decode();
    if (!shown.currentSrc.endsWith('.avif')) return shown.currentSrc;
    const webp = Object.assign(new Image(), { src: shown.src });
    await webp.decode();
    const [a, b] = [shown, webp].map((image) => {
      const [width, height] = [webp.naturalWidth, webp.naturalHeight];
      const canvas = Object.assign(document.createElement('canvas'), { width, height }).getContext('2d');
      canvas.drawImage(image, 0, 0);
      return canvas.getImageData(0, 0, width, height).data;
    });
    return a.reduce((sum, sample, index) => sum + Math.abs(sample - b[index]), 0) / a.length;
    })();";
const CARD: &str = "[data-testid=file-card]";

#[tokio::test]
async fn a_chosen_file_is_sent_and_its_variants_are_shown() {
    let stack = Stack::served_by_the_edge().await;
    let settings = [("MEDIAMILL_IMAGE_AVIF", "true")];
    let (api, _worker) = (stack.api().await, stack.worker_with(&settings).await);
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
    for step in ["assemble", "scan", "probe", "promote", "render", "publish"] {
        let done = format!("[data-testid=step][data-name={step}][data-state=done]");
        browser.find(&done).await;
    }
    let shown = browser.find("[data-testid=variant]").await;
    assert!(
        browser.loaded_width(&shown).await > 0,
        "the picture itself, not only its frame"
    );
    let difference = browser.script(AVIF_DIFFERENCE).await;
    assert!(
        difference.as_f64().is_some_and(|mean| mean < 3.0),
        "the page shows the AVIF, and that as the WebP: {difference}"
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

#[tokio::test]
async fn a_key_from_a_link_replaces_no_other_unasked() {
    let stack = Stack::served_by_the_edge().await;
    let (api, strangers) = (stack.api().await, stack.make_key("stranger").await);
    let browser = Browser::open().await;
    let link = |key: &str| format!("{}/#key={key}", api.ready);
    let account = async || {
        browser
            .text(&browser.find("[data-testid=account]:not([hidden])").await)
            .await
    };
    browser.goto(&link(&stack.key)).await;
    assert_eq!(account().await, "Account: tester");

    // A link on another page leads here anew; one on this page only changes what is behind the hash.
    browser.goto("about:blank").await;
    browser.goto(&link(&strangers)).await;
    let theirs = browser
        .find("#other-key:not([hidden]) [data-testid=theirs]")
        .await;
    assert_eq!(browser.text(&theirs).await, "stranger");
    assert!(!browser.address().await.contains('#'));
    let focused = "return document.activeElement.id === 'keep-key'";
    browser.until(focused).await;
    browser.click("[data-testid=keep-key]").await;
    browser.goto("about:blank").await;
    browser.goto(&api.ready).await;
    assert_eq!(account().await, "Account: tester", "the answer stays");

    browser
        .script(&format!("location.hash = 'key={strangers}'"))
        .await;
    browser
        .click("#other-key:not([hidden]) [data-testid=replace-key]")
        .await;
    browser
        .until("return document.getElementById('account').textContent === 'Account: stranger'")
        .await;
}

#[tokio::test]
async fn an_upload_goes_on_by_itself_and_after_a_reload() {
    let mut stack = Stack::served_by_the_edge().await;
    let (api, _worker) = (stack.api().await, stack.worker().await);
    let browser = Browser::open().await;
    browser
        .goto(&format!("{}/#key={}", api.ready, stack.key))
        .await;
    browser.find("[data-testid=account]:not([hidden])").await;
    let (first, second) = (
        stack.file("first.jpg", &phone_photo(1600, 1200)),
        stack.file("second.jpg", &phone_photo(800, 600)),
    );
    stack.stop_s3().await;
    browser.choose(INPUT, &first).await;
    let waits = "return [...document.querySelectorAll('.status')].some((s) => s.textContent === 'Waiting for the network')";
    browser.until(waits).await;
    let offers = browser
        .script("return document.querySelector('.again').hidden")
        .await;
    assert_eq!(offers, true, "nobody has to try again");
    stack.start_s3().await;
    browser.find(&format!("{CARD}[data-status=READY]")).await;

    stack.stop_s3().await;
    browser.choose(INPUT, &second).await;
    browser.until(waits).await;
    browser.goto("about:blank").await;
    stack.start_s3().await;
    browser.goto(&api.ready).await;
    let note = "return [...document.querySelectorAll('.note')].some((n) => n.textContent.includes('Choose the same file again'))";
    browser.until(note).await;
    browser.choose(INPUT, &second).await;
    let ready = "return document.querySelectorAll('[data-testid=file-card][data-status=READY]').length === 2";
    browser.until(ready).await;
    stack.until("SELECT count(*) = 2 FROM media_files").await;
}

#[tokio::test]
async fn what_cannot_work_is_not_offered_again_and_what_is_cancelled_goes() {
    let mut stack = Stack::served_by_the_edge().await;
    let api = stack.api().await;
    let browser = Browser::open().await;
    browser
        .goto(&format!("{}/#key={}", api.ready, stack.key))
        .await;
    browser.find("[data-testid=account]:not([hidden])").await;
    browser.choose(INPUT, &stack.file("empty.jpg", b"")).await;
    let stopped = format!("{CARD} [data-testid=error]:not([hidden])");
    assert_eq!(
        browser.text(&browser.find(&stopped).await).await,
        "The file is empty."
    );
    let hidden = browser
        .script("return document.querySelector('.again').hidden")
        .await;
    assert_eq!(hidden, true);
    browser.click("[data-testid=cancel]").await;
    let gone = "return document.querySelectorAll('[data-testid=file-card]').length === 0";
    browser.until(gone).await;
    browser
        .until("return document.activeElement.id === 'files'")
        .await;

    stack.stop_s3().await;
    for name in ["one.jpg", "two.jpg", "three.jpg"] {
        browser
            .choose(INPUT, &stack.file(name, &phone_photo(200, 100)))
            .await;
    }
    browser
        .until("return document.getElementById('cancel-all').offsetParent !== null")
        .await;
    browser.click("[data-testid=cancel-all]").await;
    // What was cancelled stays so, and is carried out when the store is back.
    stack.start_s3().await;
    browser.until(gone).await;
    stack
        .until("SELECT count(*) = 0 FROM media_files WHERE status = 'PENDING'")
        .await;
    browser.goto("about:blank").await;
    browser.goto(&api.ready).await;
    browser.find("[data-testid=account]:not([hidden])").await;
    let red = browser
        .script("return document.querySelectorAll('.status[data-tone=bad]').length")
        .await;
    assert_eq!(red, 0);
}

#[tokio::test]
async fn a_film_plays_on_the_page_from_start_to_end() {
    let stack = Stack::served_by_the_edge().await;
    let settings = [("MEDIAMILL_VIDEO_MP4", "720")];
    let (api, _worker) = (stack.api().await, stack.worker_with(&settings).await);
    let browser = Browser::open().await;
    browser
        .goto(&format!("{}/#key={}", api.ready, stack.key))
        .await;
    browser
        .choose(INPUT, &film(&stack, "holiday.mp4", 8).await)
        .await;
    browser
        .find("[data-testid=file-card][data-status=READY]")
        .await;
    browser.find("[data-testid=film]").await;
    browser
        .script(
            "const film = document.querySelector('[data-testid=film]');
             film.muted = true;
             film.play().catch(() => {});",
        )
        .await;
    browser
        .until(
            "const film = document.querySelector('[data-testid=film]');
             return film.ended && film.videoWidth === 320 && Math.abs(film.duration - 8) < 0.1
                 && film.webkitAudioDecodedByteCount > 0 && film.getVideoPlaybackQuality().totalVideoFrames > 200;",
        )
        .await;
    // Nor does the browser need playlists: the film in one file is sought and played.
    let link = browser.find("[data-testid=whole-link]").await;
    let words = browser.text(&link).await;
    assert!(
        words.starts_with("Open it as one file: 320 × 180 · MP4 · "),
        "{words}"
    );
    browser
        .script(
            "const whole = document.createElement('video');
             Object.assign(whole, { id: 'whole', muted: true, src: document.querySelector('[data-testid=whole-link]').href });
             document.body.append(whole);
             whole.currentTime = 6.5;
             whole.play().catch(() => {});",
        )
        .await;
    browser
        .until(
            "const whole = document.querySelector('#whole');
             return whole.ended && whole.videoWidth === 320 && Math.abs(whole.duration - 8) < 0.03
                 && whole.webkitAudioDecodedByteCount > 0 && whole.getVideoPlaybackQuality().totalVideoFrames > 40;",
        )
        .await;
}

#[tokio::test]
async fn a_sound_plays_on_the_page_beside_its_waveform_and_cover() {
    let stack = Stack::served_by_the_edge().await;
    let (api, _worker) = (stack.api().await, stack.worker().await);
    let browser = Browser::open().await;
    browser
        .goto(&format!("{}/#key={}", api.ready, stack.key))
        .await;
    browser
        .choose(INPUT, &song(&stack, "song.mp3", 3).await)
        .await;
    browser
        .find("[data-testid=file-card][data-status=READY]")
        .await;
    for picture in ["waveform", "cover"] {
        let shown = browser.find(&format!("[data-testid={picture}]")).await;
        assert!(browser.loaded_width(&shown).await > 0, "{picture}");
    }
    // To press in the middle of the waveform is to go there.
    browser.click("[data-testid=waveform]").await;
    browser
        .until(
            "const sound = document.querySelector('[data-testid=sound]');
             return Math.abs(sound.currentTime - 1.5) < 0.1 && Math.abs(sound.duration - 3) < 0.1;",
        )
        .await;
    browser
        .script(
            "const sound = document.querySelector('[data-testid=sound]');
             sound.muted = true;
             sound.play().catch(() => {});",
        )
        .await;
    browser
        .until("return document.querySelector('[data-testid=sound]').ended")
        .await;
    let words = browser
        .text(&browser.find("[data-testid=full-link]").await)
        .await;
    assert_eq!(words, "Open the playlist: 00:03 · stereo · 44.1 kHz");
}

#[tokio::test]
async fn a_document_shows_its_first_pages_and_how_many_there_are() {
    let stack = Stack::served_by_the_edge().await;
    let settings = [("MEDIAMILL_DOCUMENT_PAGES", "2")];
    let (api, _worker) = (stack.api().await, stack.worker_with(&settings).await);
    let browser = Browser::open().await;
    browser
        .goto(&format!("{}/#key={}", api.ready, stack.key))
        .await;
    browser
        .choose(INPUT, &stack.file("letter.pdf", &pages(3, 0, "")))
        .await;
    browser
        .find("[data-testid=file-card][data-status=READY]")
        .await;
    let shown = browser.find("[data-testid=variant]").await;
    assert!(browser.loaded_width(&shown).await > 0);
    let words = browser
        .text(&browser.find("[data-testid=full-link]").await)
        .await;
    let expected = "Open the first page of 3 pages: 1280 × 960 · WebP";
    assert!(words.starts_with(expected), "{words}");
    let second = browser
        .find("[data-testid=pages] li:nth-child(2):last-child [data-testid=page]")
        .await;
    assert_eq!(browser.loaded_width(&second).await, 640);
}

#[tokio::test]
async fn a_blurred_picture_stands_where_another_has_not_come_yet() {
    // Nobody serves the pictures, so none of them comes.
    let stack = Stack::new().await;
    let settings = [("MEDIAMILL_DOCUMENT_PAGES", "2")];
    let (api, _worker) = (stack.api().await, stack.worker_with(&settings).await);
    for file in [
        stack.file("letter.pdf", &pages(2, 0, "")),
        song(&stack, "song.mp3", 1).await,
    ] {
        stack.upload(&api, &file).await;
    }
    let photo = stack.file("photo.jpg", &phone_photo(400, 300));
    let (_, sent) = stack.upload(&api, &photo).await;
    let color = sent["file"]["placeholder"]["color"].as_str().unwrap();
    assert!(color.starts_with("#f"), "most of it is white: {sent}");
    let file_id = sent["file_id"].as_str().unwrap();
    let shown = stack.run(&format!("files show {file_id}")).await;
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains(color) && shown.contains("tester"), "{shown}");
    let browser = Browser::open().await;
    browser
        .goto(&format!("{}/#key={}", api.ready, stack.key))
        .await;
    for place in [
        ".thumb",
        "[data-testid=variant]",
        "[data-testid=page]",
        "[data-testid=cover]",
    ] {
        let shown = format!(
            "const place = document.querySelector('{place}');
             return place?.style.backgroundImage.startsWith('url(\"data:image/png;base64,');"
        );
        browser.until(&shown).await;
    }
    // A page behind the first has a picture of its own, and there is room for a cover.
    browser
        .until(
            "const [, second] = document.querySelectorAll('[data-testid=page]');
             const cover = document.querySelector('[data-testid=cover]');
             const painted = second?.style.backgroundImage.startsWith('url(\"data:image/png;base64,');
             return painted && cover?.width === 2 * cover?.height;",
        )
        .await;
}
