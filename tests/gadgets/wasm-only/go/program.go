// A gadget without eBPF: it says which version of the interface it is for, and nothing else.
package main

//go:wasmexport gadgetAPIVersion
func gadgetAPIVersion() uint64 {
	return 1
}

func main() {}
