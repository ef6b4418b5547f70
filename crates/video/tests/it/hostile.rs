//! Files that are not films, or not only: each is refused with a code, and nobody is called.

use std::net::TcpListener;

use video::probe::{ProbeError, RefusalCode};

use crate::fixtures::{make, probe, refused};

#[tokio::test]
async fn texts_that_lead_elsewhere_are_refused_and_lead_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    server.set_nonblocking(true).unwrap();
    let address = format!("http://{}/x.ts", server.local_addr().unwrap());
    let film = make(
        folder.path(),
        "local.mp4",
        "-f lavfi -i testsrc2=s=64x36:d=1 -c:v libx264",
    );
    let local = film.display();
    let texts = [
        format!("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{address}\n#EXT-X-ENDLIST\n"),
        format!("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile://{local}\n#EXT-X-ENDLIST\n"),
        format!(
            "#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:1,\nconcat:{address}|file:///etc/passwd\n#EXT-X-ENDLIST\n"
        ),
        format!("ffconcat version 1.0\nfile '{local}'\n"),
        format!("ffconcat version 1.0\nfile '{address}'\n"),
        format!(
            "<?xml version=\"1.0\"?><MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\"><BaseURL>{address}</BaseURL></MPD>"
        ),
        format!(
            "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nc=IN IP4 127.0.0.1\r\nm=video {} RTP/AVP 96\r\n",
            server.local_addr().unwrap().port()
        ),
    ];
    for text in texts {
        let path = folder.path().join("text.mp4");
        std::fs::write(&path, &text).unwrap();
        let refusal = refused(probe(&path).await);
        let code = refusal.code;
        assert!(
            matches!(
                code,
                RefusalCode::UnsupportedContainer | RefusalCode::Malformed
            ),
            "{text}: {refusal:?}"
        );
    }
    let called = server.accept();
    assert_eq!(called.unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
}

#[tokio::test]
async fn what_is_cut_off_anywhere_is_taken_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    let line = "-f lavfi -i testsrc2=s=64x36:d=8 -f lavfi -i sine=440:d=8 -c:v libx264 -preset ultrafast -g 25";
    for name in ["film.mp4", "film.mkv", "film.ts", "fast.mp4"] {
        let fast = if name == "fast.mp4" {
            "-movflags +faststart"
        } else {
            ""
        };
        let sound = if name == "film.ts" {
            "-c:a mp2"
        } else {
            "-c:a aac"
        };
        let film = make(folder.path(), name, &format!("{line} {sound} {fast}"));
        let bytes = std::fs::read(&film).unwrap();
        for tenths in [0, 1, 3, 5, 9] {
            let cut = folder.path().join("cut");
            std::fs::write(&cut, &bytes[..bytes.len() * tenths / 10]).unwrap();
            match probe(&cut).await {
                Ok(_) | Err(ProbeError::Refused(_)) => {}
                Err(error) => panic!("{name} cut to {tenths} tenths: {error:?}"),
            }
        }
    }
    // A header that promises more than there is.
    let bytes = std::fs::read(folder.path().join("fast.mp4")).unwrap();
    let cut = folder.path().join("cut");
    std::fs::write(&cut, &bytes[..bytes.len() * 4 / 10]).unwrap();
    let refusal = refused(probe(&cut).await);
    assert_eq!(refusal.code, RefusalCode::DurationMismatch, "{refusal:?}");
    assert_eq!((refusal.limit, &*refusal.unit), (Some(8.0), "seconds"));
}

#[tokio::test]
async fn what_has_no_moving_picture_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let sound = make(
        folder.path(),
        "sound.mp4",
        "-f lavfi -i sine=440:d=1 -c:a aac",
    );
    assert_eq!(refused(probe(&sound).await).code, RefusalCode::NoVideo);
    let cover = "-f lavfi -i sine=440:d=1 -f lavfi -i testsrc2=s=64x36:d=0.04 -map 0 -map 1 -c:a aac \
                 -c:v mjpeg -frames:v 1 -disposition:v attached_pic";
    let cover = make(folder.path(), "cover.mp4", cover);
    assert_eq!(refused(probe(&cover).await).code, RefusalCode::NoVideo);
}

#[tokio::test]
async fn codecs_that_nobody_needs_are_not_decoded() {
    let folder = tempfile::tempdir().unwrap();
    let line = "-f lavfi -i testsrc2=s=64x36:d=1 -c:v magicyuv";
    let film = make(folder.path(), "film.mkv", line);
    assert_eq!(
        refused(probe(&film).await).code,
        RefusalCode::UnsupportedCodec
    );
}
