//! The calls that Rust can't check: loading the CUDA half of libtorch by name, and asking NVIDIA's driver
//! what its GPUs are.
#![allow(unsafe_code, reason = "libraries that may not be there can only be loaded and called by name")]

use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::sync::OnceLock;

/// What the driver says of one GPU; empty and zeros where it does not.
#[derive(Default)]
pub(crate) struct Gpu {
    pub(crate) name: String,
    pub(crate) memory_bytes: u64,
    pub(crate) compute_major: u32,
}

/// Loads the CUDA half of libtorch, once, and says why it can't be used if so.
///
/// That half registers itself when its library is loaded. Nothing in the program names one of its
/// symbols, so that one program serves machines with and without it; hence it is loaded here, by name.
pub(crate) fn cuda() -> Result<(), String> {
    static LOADED: OnceLock<Result<(), String>> = OnceLock::new();
    LOADED
        .get_or_init(|| {
            open(c"libtorch_cuda.so")?;
            if tch::Cuda::is_available() && tch::Cuda::device_count() > 0 {
                Ok(())
            } else {
                Err("libtorch's CUDA half loads, but finds no NVIDIA driver or no GPU".to_owned())
            }
        })
        .clone()
}

/// What the driver says of GPU `index`.
pub(crate) fn gpu(index: u32) -> Gpu {
    let unknown = Gpu { name: format!("GPU {index}"), ..Gpu::default() };
    Driver::get().and_then(|driver| driver.describe(index)).unwrap_or(unknown)
}

/// Free memory of the GPU that this thread last computed on, in bytes.
pub(crate) fn gpu_free_bytes() -> Option<u64> {
    Driver::get()?.free_bytes()
}

/// Gives the host back what is free of the heap. It is kept otherwise, for the next tensors, and takes the room of those
/// that are too large for it.
pub(crate) fn give_back() {
    #[cfg(target_env = "gnu")]
    // SAFETY: it may be called at any time, from any thread.
    unsafe {
        libc::malloc_trim(0)
    };
}

/// Version of the libtorch in this process.
pub(crate) fn libtorch_version() -> Option<String> {
    // SAFETY: RTLD_DEFAULT is a valid handle, and the name is a C string.
    let symbol = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"aoti_torch_abi_version".as_ptr()) };
    if symbol.is_null() {
        return None;
    }
    // SAFETY: libtorch declares `uint64_t aoti_torch_abi_version()` in torch/csrc/inductor/aoti_torch/c/shim.h.
    let version = unsafe { std::mem::transmute::<*mut c_void, extern "C" fn() -> u64>(symbol)() };
    let [major, minor, patch, ..] = version.to_be_bytes();
    Some(format!("{major}.{minor}.{patch}"))
}

/// A library's handle; it is never closed.
fn open(name: &CStr) -> Result<*mut c_void, String> {
    // SAFETY: the name is a C string. The library's own initializers run; these are libtorch's and NVIDIA's,
    // found on the path that the operator gave.
    let handle = unsafe { libc::dlopen(name.as_ptr(), libc::RTLD_NOW | libc::RTLD_GLOBAL) };
    if !handle.is_null() {
        return Ok(handle);
    }
    // SAFETY: after a failed dlopen, dlerror gives a C string that is valid until this thread's next call.
    let reason = unsafe {
        let text = libc::dlerror();
        if text.is_null() { "no reason given".into() } else { CStr::from_ptr(text).to_string_lossy().into_owned() }
    };
    Err(reason.lines().next().unwrap_or("no reason given").to_owned())
}

/// The few functions of NVIDIA's driver API that are asked here. Each returns 0 on success.
struct Driver {
    get: Get,
    name: Name,
    total: Total,
    attribute: Attribute,
    memory: Memory,
}

type Init = unsafe extern "C" fn(c_uint) -> c_int;
type Get = unsafe extern "C" fn(*mut c_int, c_int) -> c_int;
type Name = unsafe extern "C" fn(*mut c_char, c_int, c_int) -> c_int;
type Total = unsafe extern "C" fn(*mut usize, c_int) -> c_int;
type Attribute = unsafe extern "C" fn(*mut c_int, c_int, c_int) -> c_int;
type Memory = unsafe extern "C" fn(*mut usize, *mut usize) -> c_int;

/// `CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR`.
const COMPUTE_MAJOR: c_int = 75;

impl Driver {
    fn get() -> Option<&'static Self> {
        static DRIVER: OnceLock<Option<Driver>> = OnceLock::new();
        DRIVER.get_or_init(Self::load).as_ref()
    }

    fn load() -> Option<Self> {
        let library = open(c"libcuda.so.1").ok()?;
        let symbol = |name: &CStr| {
            // SAFETY: the handle is open and the name is a C string.
            let symbol = unsafe { libc::dlsym(library, name.as_ptr()) };
            (!symbol.is_null()).then_some(symbol)
        };
        // SAFETY: these are the declarations in NVIDIA's cuda.h, whose ABI is fixed by the names' suffixes.
        unsafe {
            let init = std::mem::transmute::<*mut c_void, Init>(symbol(c"cuInit")?);
            let driver = Self {
                get: std::mem::transmute::<*mut c_void, Get>(symbol(c"cuDeviceGet")?),
                name: std::mem::transmute::<*mut c_void, Name>(symbol(c"cuDeviceGetName")?),
                total: std::mem::transmute::<*mut c_void, Total>(symbol(c"cuDeviceTotalMem_v2")?),
                attribute: std::mem::transmute::<*mut c_void, Attribute>(symbol(c"cuDeviceGetAttribute")?),
                memory: std::mem::transmute::<*mut c_void, Memory>(symbol(c"cuMemGetInfo_v2")?),
            };
            (init(0) == 0).then_some(driver)
        }
    }

    fn describe(&self, index: u32) -> Option<Gpu> {
        let (mut device, mut total, mut major) = (0, 0, 0);
        let mut name: [c_char; 128] = [0; 128];
        // SAFETY: every pointer is to a live local; the name's length is given and leaves its last byte 0.
        let done = unsafe {
            (self.get)(&mut device, c_int::try_from(index).ok()?) == 0
                && (self.name)(name.as_mut_ptr(), 127, device) == 0
                && (self.total)(&mut total, device) == 0
                && (self.attribute)(&mut major, COMPUTE_MAJOR, device) == 0
        };
        if !done {
            return None;
        }
        // SAFETY: the array ends in 0.
        let name = unsafe { CStr::from_ptr(name.as_ptr()) }.to_string_lossy().into_owned();
        Some(Gpu { name, memory_bytes: total as u64, compute_major: u32::try_from(major).unwrap_or(0) })
    }

    fn free_bytes(&self) -> Option<u64> {
        let (mut free, mut total) = (0, 0);
        // SAFETY: both pointers are to live locals. Without a context on this thread it answers an error.
        (unsafe { (self.memory)(&mut free, &mut total) } == 0).then_some(free as u64)
    }
}
