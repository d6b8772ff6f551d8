;; A handler whose path says what it does. The first letters of the path decide; behind them may be a number.
;;
;;   /hello    answers "hello"
;;   /count    answers how many requests this instance has had, which is 1
;;   /echo     answers with the request's body, and the method as a header would be too much
;;   /deaf     answers without reading the body
;;   /mute     returns without an answer
;;   /trap     traps before it answers
;;   /late     answers, writes, and traps
;;   /spin     computes for ever
;;   /fill     grows its memory until that fails, and traps
;;   /twice    answers twice
;;   /part     answers, writes, and drops its body unfinished
;;   /void     answers, and drops its body without writing
;;   /flood    writes for ever
;;   /rest N   waits N milliseconds, and answers
;;   /after    answers, and computes for ever behind that
;;   /exact    announces as many bytes as it writes
;;   /short    announces more bytes than it writes
;;   /status N answers with this status
;;   /trailer  answers with the trailer `t: 1`
;;   /forbid   tries to set a header that it may not set, and answers with the error
;;   /refuse   answers with an error code
;;   /print    prints a line with control characters
;;   /fetch    asks the server that its body names, and passes the answer on
(component
  (import "wasi:io/error@0.2.0" (instance $error (export "error" (type (sub resource)))))
  (alias export $error "error" (type $io-error))

  (import "wasi:io/poll@0.2.0" (instance $poll
    (export "pollable" (type $pollable (sub resource)))
    (export "[method]pollable.block" (func (param "self" (borrow $pollable))))))
  (alias export $poll "pollable" (type $pollable))

  (import "wasi:clocks/monotonic-clock@0.2.0" (instance $clock
    (alias outer 1 $pollable (type $p))
    (export "pollable" (type $pollable (eq $p)))
    (export "subscribe-duration" (func (param "when" u64) (result (own $pollable))))))

  (import "wasi:io/streams@0.2.0" (instance $streams
    (alias outer 1 $io-error (type $e))
    (export "error" (type $error (eq $e)))
    (export "input-stream" (type $input (sub resource)))
    (export "output-stream" (type $output (sub resource)))
    (type $failure (variant (case "last-operation-failed" (own $error)) (case "closed")))
    (export "stream-error" (type $stream-error (eq $failure)))
    (export "[method]input-stream.blocking-read"
      (func (param "self" (borrow $input)) (param "len" u64) (result (result (list u8) (error $stream-error)))))
    (export "[method]output-stream.blocking-write-and-flush"
      (func (param "self" (borrow $output)) (param "contents" (list u8)) (result (result (error $stream-error)))))))
  (alias export $streams "input-stream" (type $input-stream))
  (alias export $streams "output-stream" (type $output-stream))

  (import "wasi:cli/stdout@0.2.0" (instance $stdout
    (alias outer 1 $output-stream (type $o))
    (export "output-stream" (type $output (eq $o)))
    (export "get-stdout" (func (result (own $output))))))

  (import "wasi:http/types@0.2.0" (instance $http
    (alias outer 1 $input-stream (type $i))
    (export "input-stream" (type $input (eq $i)))
    (alias outer 1 $output-stream (type $o))
    (export "output-stream" (type $output (eq $o)))
    (alias outer 1 $pollable (type $p))
    (export "pollable" (type $pollable (eq $p)))
    (export "fields" (type $fields (sub resource)))
    (export "incoming-request" (type $incoming-request (sub resource)))
    (export "response-outparam" (type $outparam (sub resource)))
    (export "incoming-body" (type $incoming-body (sub resource)))
    (export "outgoing-response" (type $outgoing-response (sub resource)))
    (export "outgoing-body" (type $outgoing-body (sub resource)))
    (export "outgoing-request" (type $outgoing-request (sub resource)))
    (export "request-options" (type $request-options (sub resource)))
    (export "incoming-response" (type $incoming-response (sub resource)))
    (export "future-incoming-response" (type $future-response (sub resource)))
    (type $dns (record (field "rcode" (option string)) (field "info-code" (option u16))))
    (export "DNS-error-payload" (type $dns-payload (eq $dns)))
    (type $alert (record (field "alert-id" (option u8)) (field "alert-message" (option string))))
    (export "TLS-alert-received-payload" (type $alert-payload (eq $alert)))
    (type $size (record (field "field-name" (option string)) (field "field-size" (option u32))))
    (export "field-size-payload" (type $size-payload (eq $size)))
    (type $code (variant
      (case "DNS-timeout") (case "DNS-error" $dns-payload) (case "destination-not-found")
      (case "destination-unavailable") (case "destination-IP-prohibited") (case "destination-IP-unroutable")
      (case "connection-refused") (case "connection-terminated") (case "connection-timeout")
      (case "connection-read-timeout") (case "connection-write-timeout") (case "connection-limit-reached")
      (case "TLS-protocol-error") (case "TLS-certificate-error") (case "TLS-alert-received" $alert-payload)
      (case "HTTP-request-denied") (case "HTTP-request-length-required")
      (case "HTTP-request-body-size" (option u64)) (case "HTTP-request-method-invalid")
      (case "HTTP-request-URI-invalid") (case "HTTP-request-URI-too-long")
      (case "HTTP-request-header-section-size" (option u32))
      (case "HTTP-request-header-size" (option $size-payload))
      (case "HTTP-request-trailer-section-size" (option u32))
      (case "HTTP-request-trailer-size" $size-payload) (case "HTTP-response-incomplete")
      (case "HTTP-response-header-section-size" (option u32)) (case "HTTP-response-header-size" $size-payload)
      (case "HTTP-response-body-size" (option u64)) (case "HTTP-response-trailer-section-size" (option u32))
      (case "HTTP-response-trailer-size" $size-payload) (case "HTTP-response-transfer-coding" (option string))
      (case "HTTP-response-content-coding" (option string)) (case "HTTP-response-timeout")
      (case "HTTP-upgrade-failed") (case "HTTP-protocol-error") (case "loop-detected")
      (case "configuration-error") (case "internal-error" (option string))))
    (export "error-code" (type $error-code (eq $code)))
    (type $wrong (variant (case "invalid-syntax") (case "forbidden") (case "immutable")))
    (export "header-error" (type $header-error (eq $wrong)))
    (type $named (variant (case "HTTP") (case "HTTPS") (case "other" string)))
    (export "scheme" (type $scheme (eq $named)))

    (export "[constructor]fields" (func (result (own $fields))))
    (export "[method]fields.append"
      (func (param "self" (borrow $fields)) (param "name" string) (param "value" (list u8))
        (result (result (error $header-error)))))
    (export "[method]incoming-request.path-with-query"
      (func (param "self" (borrow $incoming-request)) (result (option string))))
    (export "[method]incoming-request.consume"
      (func (param "self" (borrow $incoming-request)) (result (result (own $incoming-body)))))
    (export "[method]incoming-body.stream"
      (func (param "self" (borrow $incoming-body)) (result (result (own $input)))))
    (export "[constructor]outgoing-response"
      (func (param "headers" (own $fields)) (result (own $outgoing-response))))
    (export "[method]outgoing-response.set-status-code"
      (func (param "self" (borrow $outgoing-response)) (param "status-code" u16) (result (result))))
    (export "[method]outgoing-response.body"
      (func (param "self" (borrow $outgoing-response)) (result (result (own $outgoing-body)))))
    (export "[method]outgoing-body.write"
      (func (param "self" (borrow $outgoing-body)) (result (result (own $output)))))
    (export "[static]outgoing-body.finish"
      (func (param "this" (own $outgoing-body)) (param "trailers" (option (own $fields)))
        (result (result (error $error-code)))))
    (export "[static]response-outparam.set"
      (func (param "param" (own $outparam))
        (param "response" (result (own $outgoing-response) (error $error-code)))))
    (export "[constructor]outgoing-request"
      (func (param "headers" (own $fields)) (result (own $outgoing-request))))
    (export "[method]outgoing-request.set-scheme"
      (func (param "self" (borrow $outgoing-request)) (param "scheme" (option $scheme)) (result (result))))
    (export "[method]outgoing-request.set-authority"
      (func (param "self" (borrow $outgoing-request)) (param "authority" (option string)) (result (result))))
    (export "[method]future-incoming-response.subscribe"
      (func (param "self" (borrow $future-response)) (result (own $pollable))))
    (export "[method]future-incoming-response.get"
      (func (param "self" (borrow $future-response))
        (result (option (result (result (own $incoming-response) (error $error-code)))))))
    (export "[method]incoming-response.consume"
      (func (param "self" (borrow $incoming-response)) (result (result (own $incoming-body)))))))
  (alias export $http "incoming-request" (type $incoming-request))
  (alias export $http "response-outparam" (type $outparam))
  (alias export $http "outgoing-request" (type $outgoing-request))
  (alias export $http "request-options" (type $request-options))
  (alias export $http "future-incoming-response" (type $future-response))
  (alias export $http "error-code" (type $error-code))
  (alias export $http "outgoing-body" (type $outgoing-body))

  (import "wasi:http/outgoing-handler@0.2.0" (instance $outgoing
    (alias outer 1 $outgoing-request (type $r))
    (export "outgoing-request" (type $request (eq $r)))
    (alias outer 1 $future-response (type $f))
    (export "future-incoming-response" (type $future (eq $f)))
    (alias outer 1 $error-code (type $c))
    (export "error-code" (type $code (eq $c)))
    (alias outer 1 $request-options (type $o))
    (export "request-options" (type $options (eq $o)))
    (export "handle"
      (func (param "request" (own $request)) (param "options" (option (own $options)))
        (result (result (own $future) (error $code)))))))

  (core module $libc
    (memory (export "memory") 2)
    (global $next (mut i32) (i32.const 8192))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (local $at i32)
      (local.set $at (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
      (global.set $next (i32.add (local.get $at) (local.get 3)))
      ;; Requests are small, and the area begins again.
      (if (i32.gt_u (global.get $next) (i32.const 131072))
        (then
          (local.set $at (i32.const 8192))
          (global.set $next (i32.add (local.get $at) (local.get 3)))))
      (local.get $at)))
  (core instance $libc (instantiate $libc))
  (alias core export $libc "memory" (core memory $memory))
  (alias core export $libc "realloc" (core func $realloc))

  (core func $block (canon lower (func $poll "[method]pollable.block")))
  (core func $subscribe-duration (canon lower (func $clock "subscribe-duration")))
  (core func $read (canon lower (func $streams "[method]input-stream.blocking-read")
    (memory $memory) (realloc $realloc)))
  (core func $write (canon lower (func $streams "[method]output-stream.blocking-write-and-flush")
    (memory $memory)))
  (core func $get-stdout (canon lower (func $stdout "get-stdout")))
  (core func $fields (canon lower (func $http "[constructor]fields")))
  (core func $append (canon lower (func $http "[method]fields.append") (memory $memory)))
  (core func $path (canon lower (func $http "[method]incoming-request.path-with-query")
    (memory $memory) (realloc $realloc)))
  (core func $consume (canon lower (func $http "[method]incoming-request.consume") (memory $memory)))
  (core func $stream (canon lower (func $http "[method]incoming-body.stream") (memory $memory)))
  (core func $response (canon lower (func $http "[constructor]outgoing-response")))
  (core func $set-status (canon lower (func $http "[method]outgoing-response.set-status-code")))
  (core func $body (canon lower (func $http "[method]outgoing-response.body") (memory $memory)))
  (core func $writer (canon lower (func $http "[method]outgoing-body.write") (memory $memory)))
  (core func $finish (canon lower (func $http "[static]outgoing-body.finish") (memory $memory)
    (realloc $realloc)))
  (core func $set (canon lower (func $http "[static]response-outparam.set") (memory $memory)))
  (core func $request (canon lower (func $http "[constructor]outgoing-request")))
  (core func $set-scheme (canon lower (func $http "[method]outgoing-request.set-scheme") (memory $memory)))
  (core func $set-authority
    (canon lower (func $http "[method]outgoing-request.set-authority") (memory $memory)))
  (core func $subscribe-response
    (canon lower (func $http "[method]future-incoming-response.subscribe")))
  (core func $get-response
    (canon lower (func $http "[method]future-incoming-response.get") (memory $memory) (realloc $realloc)))
  (core func $consume-response
    (canon lower (func $http "[method]incoming-response.consume") (memory $memory)))
  (core func $send (canon lower (func $outgoing "handle") (memory $memory) (realloc $realloc)))
  (core func $drop-body (canon resource.drop $outgoing-body))
  (core func $drop-output (canon resource.drop $output-stream))
  (core module $main
    (import "libc" "memory" (memory 2))
    (import "host" "block" (func $block (param i32)))
    (import "host" "subscribe-duration" (func $subscribe-duration (param i64) (result i32)))
    (import "host" "read" (func $read (param i32 i64 i32)))
    (import "host" "write" (func $write (param i32 i32 i32 i32)))
    (import "host" "get-stdout" (func $get-stdout (result i32)))
    (import "host" "fields" (func $fields (result i32)))
    (import "host" "append" (func $append (param i32 i32 i32 i32 i32 i32)))
    (import "host" "path" (func $path (param i32 i32)))
    (import "host" "consume" (func $consume (param i32 i32)))
    (import "host" "stream" (func $stream (param i32 i32)))
    (import "host" "response" (func $response (param i32) (result i32)))
    (import "host" "set-status" (func $set-status (param i32 i32) (result i32)))
    (import "host" "body" (func $body (param i32 i32)))
    (import "host" "writer" (func $writer (param i32 i32)))
    (import "host" "finish" (func $finish (param i32 i32 i32 i32)))
    (import "host" "set" (func $set (param i32 i32 i32 i32 i64 i32 i32 i32 i32)))
    (import "host" "request" (func $request (param i32) (result i32)))
    (import "host" "set-scheme" (func $set-scheme (param i32 i32 i32 i32 i32) (result i32)))
    (import "host" "set-authority" (func $set-authority (param i32 i32 i32 i32) (result i32)))
    (import "host" "subscribe-response" (func $subscribe-response (param i32) (result i32)))
    (import "host" "get-response" (func $get-response (param i32 i32)))
    (import "host" "consume-response" (func $consume-response (param i32 i32)))
    (import "host" "send" (func $send (param i32 i32 i32 i32)))
    (import "host" "drop-body" (func $drop-body (param i32)))
    (import "host" "drop-output" (func $drop-output (param i32)))

    (data (i32.const 256) "hello")
    (data (i32.const 272) "t")
    (data (i32.const 280) "1")
    (data (i32.const 288) "connection")
    (data (i32.const 304) "content-length")
    (data (i32.const 320) "10")
    (data (i32.const 328) "a\1b[2J line\0a")
    (data (i32.const 344) "trailer")
    (data (i32.const 352) "5")

    (global $count (mut i32) (i32.const 0))
    (global $outparam (mut i32) (i32.const 0))
    (global $headers (mut i32) (i32.const 0))
    (global $status (mut i32) (i32.const 200))
    (global $writing (mut i32) (i32.const 0))
    (global $output (mut i32) (i32.const 0))

    ;; The handle behind the discriminant of a result at 16, which has to be good.
    (func $good (result i32)
      (if (i32.load8_u (i32.const 16)) (then unreachable))
      (i32.load (i32.const 20)))

    ;; Answers, with a body that is to be written.
    (func $answer
      (local $response i32)
      (local.set $response (call $response (global.get $headers)))
      (if (call $set-status (local.get $response) (global.get $status)) (then unreachable))
      (call $body (local.get $response) (i32.const 16))
      (global.set $writing (call $good))
      (call $writer (global.get $writing) (i32.const 16))
      (global.set $output (call $good))
      (call $set (global.get $outparam) (i32.const 0) (local.get $response)
        (i32.const 0) (i64.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)))

    ;; Writes to the body. Returns whether that was possible.
    (func $put (param $at i32) (param $length i32) (result i32)
      (call $write (global.get $output) (local.get $at) (local.get $length) (i32.const 16))
      (i32.eqz (i32.load8_u (i32.const 16))))

    (func $end (param $has-trailers i32) (param $trailers i32)
      (call $drop-output (global.get $output))
      (call $finish (global.get $writing) (local.get $has-trailers) (local.get $trailers) (i32.const 64)))

    (func $answer-hello
      (call $answer)
      (drop (call $put (i32.const 256) (i32.const 5)))
      (call $end (i32.const 0) (i32.const 0)))

    ;; Writes what a stream has.
    (func $copy (param $input i32)
      (block $done
        (loop $again
          (call $read (local.get $input) (i64.const 4096) (i32.const 32))
          ;; The end of the stream; another error is none of this guest's making.
          (br_if $done (i32.load8_u (i32.const 32)))
          (br_if $again (call $put (i32.load (i32.const 36)) (i32.load (i32.const 40))))
          unreachable))
      ;; Closed is the second case.
      (if (i32.ne (i32.load8_u (i32.const 36)) (i32.const 1)) (then unreachable)))

    ;; The stream of the request's body.
    (func $input (param $request i32) (result i32)
      (call $consume (local.get $request) (i32.const 16))
      (call $stream (call $good) (i32.const 16))
      (call $good))

    ;; The number that the path ends with.
    (func $number (param $at i32) (param $length i32) (result i32)
      (local $number i32) (local $digit i32)
      (loop $again
        (if (local.get $length)
          (then
            (local.set $digit (i32.sub (i32.load8_u (local.get $at)) (i32.const 48)))
            (if (i32.lt_u (local.get $digit) (i32.const 10))
              (then
                (local.set $number
                  (i32.add (i32.mul (local.get $number) (i32.const 10)) (local.get $digit)))))
            (local.set $at (i32.add (local.get $at) (i32.const 1)))
            (local.set $length (i32.sub (local.get $length) (i32.const 1)))
            (br $again))))
      (local.get $number))

    (func $spin (loop $again (br $again)))

    ;; Whether the path begins like this, as four letters behind the slash.
    (func $is (param $path i32) (param $letters i32) (result i32)
      (i32.eq (i32.load offset=1 (local.get $path)) (local.get $letters)))

    (func (export "handle") (param $request i32) (param $out i32)
      (local $path i32) (local $length i32) (local $number i32)
      (global.set $outparam (local.get $out))
      (global.set $count (i32.add (global.get $count) (i32.const 1)))
      (call $path (local.get $request) (i32.const 16))
      (local.set $path (call $text))
      (local.set $length (i32.load (i32.const 24)))
      (local.set $number (call $number (local.get $path) (local.get $length)))
      (global.set $headers (call $fields))
      (call $do (local.get $request) (local.get $path) (local.get $number)))

    ;; The text of an option at 16.
    (func $text (result i32)
      (if (i32.ne (i32.load8_u (i32.const 16)) (i32.const 1)) (then unreachable))
      (i32.load (i32.const 20)))

    (func $do (param $request i32) (param $path i32) (param $number i32)
      (if (call $is (local.get $path) (i32.const 0x6e756f63)) (then ;; "coun"
        (i32.store8 (i32.const 0) (i32.add (i32.const 48) (global.get $count)))
        (call $answer)
        (drop (call $put (i32.const 0) (i32.const 1)))
        (call $end (i32.const 0) (i32.const 0))
        return))
      (if (call $is (local.get $path) (i32.const 0x6f686365)) (then ;; "echo"
        (call $answer)
        (call $copy (call $input (local.get $request)))
        (call $end (i32.const 0) (i32.const 0))
        return))
      (if (call $is (local.get $path) (i32.const 0x6574756d)) (then return)) ;; "mute"
      (if (call $is (local.get $path) (i32.const 0x70617274)) (then unreachable)) ;; "trap"
      (if (call $is (local.get $path) (i32.const 0x6574616c)) (then ;; "late"
        (call $answer)
        (drop (call $put (i32.const 256) (i32.const 5)))
        unreachable))
      (if (call $is (local.get $path) (i32.const 0x6e697073)) (then (call $spin))) ;; "spin"
      (if (call $is (local.get $path) (i32.const 0x6c6c6966)) (then ;; "fill"
        (block $full
          (loop $more
            (br_if $full (i32.eq (memory.grow (i32.const 16)) (i32.const -1)))
            (br $more)))
        unreachable))
      (if (call $is (local.get $path) (i32.const 0x63697774)) (then ;; "twic"
        (call $answer-hello)
        (call $set (global.get $outparam) (i32.const 1) (i32.const 36)
          (i32.const 0) (i64.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))))
      (if (call $is (local.get $path) (i32.const 0x74726170)) (then ;; "part"
        (call $answer)
        (drop (call $put (i32.const 256) (i32.const 5)))
        (call $drop-output (global.get $output))
        (call $drop-body (global.get $writing))
        return))
      (if (call $is (local.get $path) (i32.const 0x64696f76)) (then ;; "void"
        (call $answer)
        (call $drop-output (global.get $output))
        (call $drop-body (global.get $writing))
        return))
      (if (call $is (local.get $path) (i32.const 0x6f6f6c66)) (then ;; "floo"
        (call $answer)
        (loop $more (br_if $more (call $put (i32.const 4096) (i32.const 4096))))
        return))
      (if (call $is (local.get $path) (i32.const 0x74736572)) (then ;; "rest"
        (call $block (call $subscribe-duration
          (i64.mul (i64.extend_i32_u (local.get $number)) (i64.const 1000000))))))
      (if (call $is (local.get $path) (i32.const 0x65746661)) (then ;; "afte"
        (call $answer-hello)
        (call $spin)))
      (if (call $is (local.get $path) (i32.const 0x726f6873)) (then ;; "shor"
        (call $append (global.get $headers) (i32.const 304) (i32.const 14) (i32.const 320) (i32.const 2)
          (i32.const 64))))
      (if (call $is (local.get $path) (i32.const 0x63617865)) (then ;; "exac"
        (call $append (global.get $headers) (i32.const 304) (i32.const 14) (i32.const 352) (i32.const 1)
          (i32.const 64))))
      (if (call $is (local.get $path) (i32.const 0x74617473)) (then ;; "stat"
        (global.set $status (local.get $number))))
      (if (call $is (local.get $path) (i32.const 0x69617274)) (then ;; "trai"
        (call $append (global.get $headers) (i32.const 344) (i32.const 7) (i32.const 272) (i32.const 1)
          (i32.const 64))
        (call $answer)
        (drop (call $put (i32.const 256) (i32.const 5)))
        (local.set $number (call $fields))
        (call $append (local.get $number) (i32.const 272) (i32.const 1) (i32.const 280) (i32.const 1)
          (i32.const 64))
        (call $end (i32.const 1) (local.get $number))
        return))
      (if (call $is (local.get $path) (i32.const 0x62726f66)) (then ;; "forb"
        (call $append (global.get $headers) (i32.const 288) (i32.const 10) (i32.const 280) (i32.const 1)
          (i32.const 64))
        (global.set $status (i32.add (i32.const 400) (i32.load8_u (i32.const 65))))))
      (if (call $is (local.get $path) (i32.const 0x75666572)) (then ;; "refu"
        (call $set (global.get $outparam) (i32.const 1) (i32.const 36)
          (i32.const 0) (i64.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))
        return))
      (if (call $is (local.get $path) (i32.const 0x6e697270)) (then ;; "prin"
        (global.set $output (call $get-stdout))
        (drop (call $put (i32.const 328) (i32.const 11)))))
      (if (call $is (local.get $path) (i32.const 0x63746566)) (then ;; "fetc"
        (call $fetch (local.get $request))
        return))
      (call $answer-hello))

    ;; Sends a request to the host that the request's body names, in one read.
    (func $fetch (param $request i32)
      (local $sent i32) (local $future i32)
      (call $read (call $input (local.get $request)) (i64.const 4096) (i32.const 32))
      (if (i32.load8_u (i32.const 32)) (then unreachable))
      (local.set $sent (call $request (call $fields)))
      (if (call $set-scheme (local.get $sent) (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0))
        (then unreachable))
      (if (call $set-authority (local.get $sent) (i32.const 1) (i32.load (i32.const 36))
          (i32.load (i32.const 40)))
        (then unreachable))
      (call $send (local.get $sent) (i32.const 0) (i32.const 0) (i32.const 64))
      (if (i32.load8_u (i32.const 64)) (then
        ;; The number of the error's case.
        (global.set $status (i32.add (i32.const 500) (i32.load8_u (i32.const 72))))
        (call $answer-hello)
        return))
      (local.set $future (i32.load (i32.const 72)))
      (call $block (call $subscribe-response (local.get $future)))
      (call $get-response (local.get $future) (i32.const 64))
      (if (i32.load8_u (i32.const 80)) (then
        (global.set $status (i32.add (i32.const 500) (i32.load8_u (i32.const 88))))
        (call $answer-hello)
        return))
      (call $consume-response (i32.load (i32.const 88)) (i32.const 16))
      (call $stream (call $good) (i32.const 16))
      (local.set $future (call $good))
      (call $answer)
      (call $copy (local.get $future))
      (call $end (i32.const 0) (i32.const 0))))

  (core instance $main (instantiate $main
    (with "libc" (instance $libc))
    (with "host" (instance
      (export "block" (func $block))
      (export "subscribe-duration" (func $subscribe-duration))
      (export "read" (func $read))
      (export "write" (func $write))
      (export "get-stdout" (func $get-stdout))
      (export "fields" (func $fields))
      (export "append" (func $append))
      (export "path" (func $path))
      (export "consume" (func $consume))
      (export "stream" (func $stream))
      (export "response" (func $response))
      (export "set-status" (func $set-status))
      (export "body" (func $body))
      (export "writer" (func $writer))
      (export "finish" (func $finish))
      (export "set" (func $set))
      (export "request" (func $request))
      (export "set-scheme" (func $set-scheme))
      (export "set-authority" (func $set-authority))
      (export "subscribe-response" (func $subscribe-response))
      (export "get-response" (func $get-response))
      (export "consume-response" (func $consume-response))
      (export "send" (func $send))
      (export "drop-body" (func $drop-body))
      (export "drop-output" (func $drop-output))))))

  (func $handle (param "request" (own $incoming-request)) (param "response-out" (own $outparam))
    (canon lift (core func $main "handle")))
  (component $handler
    (import "incoming-request" (type $request (sub resource)))
    (import "response-outparam" (type $outparam (sub resource)))
    (import "handle" (func $handle (param "request" (own $request)) (param "response-out" (own $outparam))))
    (export "handle" (func $handle)))
  (instance $exported (instantiate $handler
    (with "incoming-request" (type $incoming-request))
    (with "response-outparam" (type $outparam))
    (with "handle" (func $handle))))
  (export "wasi:http/incoming-handler@0.2.0" (instance $exported)))
