#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| server::fuzzing::evaluation_request::run(data));
