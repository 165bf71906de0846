package configs

import (
	"reflect"
	"strings"
)

// RestartNeeded names the keys in which two configurations differ and which a running gateway
// cannot change: those whose fields are tagged reload:"restart".
func RestartNeeded(running, wanted *Config) []string {
	return restartKeys("", reflect.ValueOf(*running), reflect.ValueOf(*wanted))
}

// restartKeys compares two values of one struct type, whose path is given.
func restartKeys(path string, a, b reflect.Value) (keys []string) {
	for i := range a.NumField() {
		field := a.Type().Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		name = child(path, name)
		switch {
		case field.Tag.Get("reload") == "restart":
			if !reflect.DeepEqual(a.Field(i).Interface(), b.Field(i).Interface()) {
				keys = append(keys, name)
			}
		case field.Type.Kind() == reflect.Struct:
			keys = append(keys, restartKeys(name, a.Field(i), b.Field(i))...)
		}
	}
	return keys
}
