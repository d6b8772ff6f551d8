package main

import (
	"os"
	"os/signal"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

var shared *Service

func TestMain(m *testing.M) {
	var err error
	if shared, err = open(os.Getenv("WASMAOT_FAAS")); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// Many goroutines serve requests, beside one that collects garbage, for which Go interrupts all others by
// signals.
func TestTrapsUnderGoroutines(t *testing.T) {
	patient := *shared
	patient.deadline = time.Hour
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		for {
			select {
			case <-stop:
				return
			default:
				runtime.GC()
			}
		}
	}()
	requests := map[string]string{
		"27": "27: 111 steps, peak 9232\n",
		"x":  "x: wasm trap: unreachable in parse\n",
		"97": "97: 118 steps, peak 9232\n",
	}
	var group sync.WaitGroup
	for i := 0; i < 32; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			for round := 0; round < 200; round++ {
				for line, answer := range requests {
					if found := patient.serve(line); !strings.HasPrefix(found, answer) {
						t.Errorf("expected %q, found %q", answer, found)
					}
				}
			}
		}()
	}
	group.Wait()
}

// A guest that never ends is stopped, on any of Go's threads, also after Go was told to handle all signals
// that it can.
func TestDeadlinesUnderGoroutines(t *testing.T) {
	all := make(chan os.Signal, 1)
	signal.Notify(all)
	defer signal.Stop(all)
	var group sync.WaitGroup
	for i := 0; i < 8; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			if found := shared.serve("0"); !strings.HasPrefix(found, "0: wasm trap: deadline exceeded in collatz\n") {
				t.Errorf("found %q", found)
			}
		}()
	}
	group.Wait()
}

// Faults of Go's own code are Go's: its handler comes after the runtime's.
func TestNilPointersPanic(t *testing.T) {
	for round := 0; round < 100; round++ {
		shared.serve("x")
		func() {
			defer func() {
				reason, isError := recover().(runtime.Error)
				if !isError || !strings.Contains(reason.Error(), "nil pointer") {
					t.Errorf("found %v", reason)
				}
			}()
			var nothing *Request
			nothing.peak = 1
		}()
	}
}
