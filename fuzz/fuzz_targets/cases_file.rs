#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| repo_permissions_fuzz::targets::cases_file::run(data));
