//! Calls without a structure of JNA's each.
//!
//! A call tells its outcome in a structure. The generated code makes one for every call, and one for each loan of bytes: JNA then
//! allocates native memory, enters it into a table that all threads share and reads each field by reflection, which is most of what a
//! small call costs. Here a status is memory that a thread keeps, of which one byte is read; it becomes a structure when the call has
//! failed. A call inside a callback inside a call has the next one.
//!
//! What a callback throws unexpectedly has failed by its number alone. By itself its text would cross, too, which nobody reads, and one that is
//! no UTF-16 would have made the callback succeed.

use anyhow::{Result, ensure};

/// Rewrites generated Kotlin.
pub(super) fn keep(text: &str) -> Result<String> {
    let mut text = text.to_owned();
    for (from, to, found) in REPLACED {
        let times = text.matches(from).count();
        let is_expected = found.map_or(times > 0, |found| times == found);
        ensure!(is_expected, "there are {times} of {from:?}");
        text = text.replace(from, to);
    }
    Ok(text + KEPT)
}

/// What is replaced, by what, and how often it must be there: once in a helper, or as often as there are functions and callbacks.
const REPLACED: &[(&str, &str, Option<usize>)] = &[
    ("uniffi_out_err: UniffiRustCallStatus, ", "uniffi_out_err: Pointer, ", None),
    ("uniffiCallStatus: UniffiRustCallStatus,", "uniffiCallStatus: Pointer,", None),
    ("\n    callStatus: UniffiRustCallStatus,\n", "\n    callStatus: Pointer,\n", Some(2)),
    (
        "completeFunc: (Long, UniffiRustCallStatus) -> F",
        "completeFunc: (Long, Pointer) -> F",
        Some(1),
    ),
    (
        "callback: (UniffiRustCallStatus) -> U): U {\n    return",
        "callback: (Pointer) -> U): U {\n    return",
        Some(1),
    ),
    ("callback: (UniffiRustCallStatus) -> U): U {\n", "callback: (Pointer) -> U): U {\n", Some(1)),
    (CALL, CALL_WITH_KEPT_STATUS, Some(1)),
    ("val fb = ForeignBytes.ByValue()", "val fb = KeptStructures.loan.get()", Some(1)),
    (ERROR, "callStatus.fail(UNIFFI_CALL_ERROR, lowerError(e))", Some(1)),
    (PANIC, "callStatus.setByte(0, UNIFFI_CALL_UNEXPECTED_ERROR)", Some(1)),
    (NESTED_PANIC, "callStatus.setByte(0, UNIFFI_CALL_UNEXPECTED_ERROR)", Some(1)),
];

const CALL: &str = "    var status = UniffiRustCallStatus()
    val return_value = callback(status)
    uniffiCheckCallStatus(errorHandler, status)
    return return_value
";
const CALL_WITH_KEPT_STATUS: &str = "    val statuses = KeptStructures.statuses.get()
    val status = statuses.next()
    try {
        val result = callback(status)
        if (status.getByte(0) != UNIFFI_CALL_SUCCESS) uniffiCheckCallStatus(errorHandler, StatusIn(status))
        return result
    } finally {
        statuses.release()
    }
";

const ERROR: &str = "callStatus.code = UNIFFI_CALL_ERROR
            callStatus.error_buf = lowerError(e)";
const PANIC: &str = r#"val err = try { e.stackTraceToString() } catch(_: Throwable) { "" }
        callStatus.code = UNIFFI_CALL_UNEXPECTED_ERROR
        callStatus.error_buf = FfiConverterString.lower(err)"#;
/// The same, further to the right.
const NESTED_PANIC: &str = r#"val err = try { e.stackTraceToString() } catch(_: Throwable) { "" }
            callStatus.code = UNIFFI_CALL_UNEXPECTED_ERROR
            callStatus.error_buf = FfiConverterString.lower(err)"#;

const KEPT: &str = r#"
/** What a thread keeps for its calls: see `statuses.rs` of the generator. */
internal object KeptStructures {
    val statuses: ThreadLocal<KeptStatuses> = object : ThreadLocal<KeptStatuses>() {
        override fun initialValue() = KeptStatuses()
    }

    /** Bytes that are lent: read when the call begins, so that calls inside it can have it again. */
    val loan: ThreadLocal<ForeignBytes.ByValue> = object : ThreadLocal<ForeignBytes.ByValue>() {
        override fun initialValue() = ForeignBytes.ByValue()
    }
}

/** One status for each call that a thread is in. */
internal class KeptStatuses {
    private val memory = ArrayList<Pointer>()
    private var inUse = 0

    fun next(): Pointer {
        if (inUse == memory.size) memory.add(com.sun.jna.Memory(SIZE))
        return memory[inUse++].also { it.setByte(0, UNIFFI_CALL_SUCCESS) }
    }

    fun release() {
        inUse--
    }

    private companion object {
        val SIZE = UniffiRustCallStatus().size().toLong()
    }
}

/** The status that is there. */
internal class StatusIn(memory: Pointer) : UniffiRustCallStatus() {
    init {
        useMemory(memory)
        read()
    }
}

internal fun Pointer.fail(code: Byte, errorBuf: RustBuffer.ByValue) {
    val status = StatusIn(this)
    status.code = code
    status.error_buf = errorBuf
    status.write()
}
"#;

#[cfg(test)]
mod tests {
    use super::keep;

    #[test]
    fn a_generator_that_writes_something_else_is_noticed() {
        let error = keep("external fun f(uniffi_out_err: UniffiRustCallStatus, ): Unit");
        assert!(error.unwrap_err().to_string().starts_with("there are 0 of"));
    }
}
