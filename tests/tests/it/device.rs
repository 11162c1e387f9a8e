//! A missing device is refused with a remedy; the default device always works.

use pointsman_trainer::device::{DeviceChoice, open};

#[test]
fn a_graphics_api_that_this_system_lacks_is_refused_with_a_remedy() {
    let absent = match cfg!(target_os = "macos") {
        true => DeviceChoice::Vulkan,
        false => DeviceChoice::Metal,
    };
    let error = open(absent).unwrap_err();
    assert_eq!(error.code(), "no_device");
    assert!(error.to_string().contains("--device cpu"), "{error}");
}

#[test]
fn the_default_device_is_a_gpu_or_the_cpu() {
    let chosen = open(DeviceChoice::Auto).unwrap();
    let known = ["cpu (flex)", "vulkan", "metal"];
    assert!(known.iter().any(|k| chosen.description.starts_with(k)), "{}", chosen.description);
}
