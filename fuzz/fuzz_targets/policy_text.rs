#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| repo_permissions_fuzz::targets::policy_text::run(data));
