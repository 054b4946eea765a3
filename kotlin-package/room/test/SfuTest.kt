package host

import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.delay
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.AfterEach
import org.junit.jupiter.api.Timeout
import java.util.Base64
import javax.crypto.Mac
import javax.crypto.spec.SecretKeySpec

/** A test with an embedded SFU of its own. `DATATRACKS_BIN` says which binary serves it. */
@Timeout(60)
internal abstract class SfuTest {
    private val sfu: Process = ProcessBuilder(System.getenv("DATATRACKS_BIN"), "sfu", "--listen", "127.0.0.1:0").start()
    val address: String = sfu.inputStream.bufferedReader().readLine().substringAfterLast(" ")

    @AfterEach
    fun end() {
        sfu.destroyForcibly().waitFor()
    }

    fun test(block: suspend CoroutineScope.() -> Unit): Unit = runBlocking(Dispatchers.Default, block)
}

/** Of the room `room`, by the key that the embedded SFU has by itself, until 2100. */
internal fun token(identity: String, expires: Long = 4_102_444_800): String {
    val url = Base64.getUrlEncoder().withoutPadding()
    val claims = """{"iss":"devkey","sub":"$identity","exp":$expires,"video":{"roomJoin":true,"room":"room"}}"""
    val signed = listOf("""{"alg":"HS256","typ":"JWT"}""", claims).joinToString(".") { url.encodeToString(it.toByteArray()) }
    val mac = Mac.getInstance("HmacSHA256").apply { init(SecretKeySpec("secret".toByteArray(), "HmacSHA256")) }
    return "$signed.${url.encodeToString(mac.doFinal(signed.toByteArray()))}"
}

/** Waits until the condition holds. */
internal suspend fun until(what: String, condition: () -> Boolean) {
    val deadline = System.nanoTime() + 10_000_000_000
    while (!condition()) {
        check(System.nanoTime() < deadline) { "$what does not come true" }
        delay(5)
    }
}
