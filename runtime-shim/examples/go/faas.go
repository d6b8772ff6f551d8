// A host that serves every request, a line of its input, from a fresh instance and a goroutine of its own,
// all at a time.
//
//	wasmaot compile runtime-shim/examples/faas.wat -o faas.so
//	runtime-shim/capi/install.sh
//	cd runtime-shim/examples/go && go build -o faas && printf '27\nx\n0\n97\n' | ./faas faas.so
//
// What Go needs to know:
//
//   - Go handles SIGURG and all real-time signals but number 34. So that is the one by which the runtime
//     stops instances, and signal.Notify for all signals does not take it. wasmaot_set_interrupt_signal can
//     choose another one, which signal.Ignore has freed before.
//   - Traps are signals that compiled code causes. The runtime's handlers stand in front of Go's from the
//     first module on, and pass on what is not a guest's: a nil pointer in Go still panics. Threads of Go's
//     get a larger alternate signal stack at their first call, which Go accepts.
//   - A goroutine stays on its thread while it is in C and in host functions below it, so nothing has to be
//     locked to a thread; between calls it may move, and an instance with it. A thread is busy as long as a
//     guest runs, so limit the guests that run at a time.
//   - A panic of a host function must not pass the frames of C: recover it there, as peak does.
//   - C keeps no pointers of Go's: what host functions work on is a cgo.Handle.
package main

/*
#cgo pkg-config: wasmaot
#include <stdlib.h>
#include <wasmaot.h>

wasmaot_error_t *peak(void *environment, wasmaot_caller_t *caller, wasmaot_value_t *args, wasmaot_value_t *results);

// What cannot be said in Go: the type of a function, and a member of a union.
static wasmaot_error_t *define_peak(wasmaot_linker_t *linker) {
    static const wasmaot_type_t i64 = WASMAOT_I64;
    const wasmaot_functype_t type = {.params = &i64, .params_count = 1};
    return wasmaot_linker_func(linker, "faas", "peak", &type, (wasmaot_function_t)peak, NULL, NULL);
}

static int32_t i32_of(wasmaot_value_t value) {
    return value.of.i32;
}

static int64_t i64_of(wasmaot_value_t value) {
    return value.of.i64;
}

static void *handle(uintptr_t handle) {
    return (void *)handle;
}
*/
import "C"

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"runtime/cgo"
	"strings"
	"sync"
	"time"
	"unsafe"
)

// Request is what host functions know of a request.
type Request struct {
	peak int64
}

//export peak
func peak(environment unsafe.Pointer, caller *C.wasmaot_caller_t, args, results *C.wasmaot_value_t) (failure *C.wasmaot_error_t) {
	defer func() {
		if reason := recover(); reason != nil {
			message := C.CString(fmt.Sprint(reason))
			defer C.free(unsafe.Pointer(message))
			failure = C.wasmaot_error_new(message)
		}
	}()
	request := cgo.Handle(uintptr(C.wasmaot_caller_data(caller))).Value().(*Request)
	request.peak = int64(C.i64_of(*args))
	return nil
}

// Makes an error of one of C's: what it is, and where it happened.
func failed(failure *C.wasmaot_error_t) error {
	if failure == nil {
		return nil
	}
	defer C.wasmaot_error_delete(failure)
	message := strings.SplitN(C.GoString(C.wasmaot_error_message(failure)), "\n", 2)[0]
	var count C.size_t
	if frames := C.wasmaot_error_frames(failure, &count); count > 0 && frames.name != nil {
		message += " in " + C.GoString(frames.name)
	}
	return errors.New(message)
}

// Service is what all requests share.
type Service struct {
	pool     *C.wasmaot_pool_t
	linked   *C.wasmaot_linked_t
	handler  *C.wasmaot_func_t
	deadline time.Duration // of a request
}

func open(path string) (*Service, error) {
	name, handler := C.CString(path), C.CString("handle")
	defer C.free(unsafe.Pointer(name))
	defer C.free(unsafe.Pointer(handler))
	linker := C.wasmaot_linker_new()
	defer C.wasmaot_linker_delete(linker)
	if err := failed(C.define_peak(linker)); err != nil {
		return nil, err
	}
	var module *C.wasmaot_module_t
	if err := failed(C.wasmaot_module_open(name, &module)); err != nil {
		return nil, err
	}
	defer C.wasmaot_module_delete(module)
	service := &Service{deadline: time.Second}
	if err := failed(C.wasmaot_linker_link(linker, module, &service.linked)); err != nil {
		return nil, err
	}
	if err := failed(C.wasmaot_linked_func(service.linked, handler, &service.handler)); err != nil {
		return nil, err
	}
	config := C.wasmaot_pool_config_t{slots: 64, stack: 256 << 10, memory: 1 << 20}
	return service, failed(C.wasmaot_pool_new(&config, &service.pool))
}

// Writes the request into the guest, lets it work, and reads its answer.
func (service *Service) answer(instance *C.wasmaot_instance_t, line string) (string, error) {
	request := []byte(line + "\x00")
	length := C.size_t(len(line))
	if err := failed(C.wasmaot_instance_write(instance, 0, unsafe.Pointer(&request[0]), length)); err != nil {
		return "", err
	}
	argument := C.wasmaot_i32(C.int32_t(length))
	var found [2]C.wasmaot_value_t // address and length
	if err := failed(C.wasmaot_func_call(service.handler, instance, &argument, 1, &found[0], 2)); err != nil {
		return "", err
	}
	text := make([]byte, uint32(C.i32_of(found[1])))
	at := C.uint64_t(uint32(C.i32_of(found[0])))
	err := failed(C.wasmaot_instance_read(instance, at, unsafe.Pointer(&text[0]), C.size_t(len(text))))
	return string(text), err
}

func (service *Service) serve(line string) string {
	request := Request{}
	handle := cgo.NewHandle(&request)
	defer handle.Delete()
	start := C.wasmaot_start_t{data: C.handle(C.uintptr_t(handle))}
	start.limits.deadline = C.uint64_t(service.deadline)
	var instance *C.wasmaot_instance_t
	if err := failed(C.wasmaot_pool_start(service.pool, service.linked, &start, &instance)); err != nil {
		return fmt.Sprintf("%s: %s\n", line, err)
	}
	text, err := service.answer(instance, line)
	if err != nil {
		text = err.Error()
	} else {
		text += fmt.Sprintf(", peak %d", request.peak)
	}
	var usage C.wasmaot_usage_t
	if err := failed(C.wasmaot_instance_finish(instance, &usage)); err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%s: %s\n  used %d bytes of memory\n", line, text, usage.memory)
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: faas ARTIFACT")
		os.Exit(1)
	}
	service, err := open(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	var lines []string
	for input := bufio.NewScanner(os.Stdin); input.Scan(); {
		lines = append(lines, input.Text())
	}
	answers := make([]string, len(lines))
	var group sync.WaitGroup
	running := make(chan struct{}, 16) // guests at a time
	for i, line := range lines {
		i, line := i, line
		group.Add(1)
		go func() {
			defer group.Done()
			running <- struct{}{}
			defer func() { <-running }()
			answers[i] = service.serve(line)
		}()
	}
	group.Wait()
	fmt.Print(strings.Join(answers, ""))
}
