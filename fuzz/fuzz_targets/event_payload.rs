#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| repo_permissions_fuzz::targets::event_payload::run(data));
