package tokenizer

import "reflect"

// ScratchFields is how many fields a pooled scratch has.
func ScratchFields() int { return reflect.TypeFor[scratch]().NumField() }
