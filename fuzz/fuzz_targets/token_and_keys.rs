#![no_main]

libfuzzer_sys::fuzz_target!(
    |data: &[u8]| repo_permissions_fuzz::targets::token_and_keys::run(data)
);
