package configs

import (
	"encoding"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// value reads the node at path into v, which must be settable. What v may be:
//
//   - a type that reads itself from text (encoding.TextUnmarshaler), or a string: any single value,
//     as it was typed;
//   - bool, int and unsigned types: true or false, and decimal digits;
//   - a struct, by the names in its yaml tags, or the single value of its field tagged "alone"; a map
//     with string keys; a slice; a pointer to any of these, which stays nil when the key is absent.
func (d *document) value(path string, node ast.Node, v reflect.Value) {
	if path != "" {
		d.places[path] = placeOfNode(node)
	}
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		if text, ok := d.text(path, node); ok {
			if err := u.UnmarshalText([]byte(text)); err != nil {
				d.reject(path, "%v", err)
			}
		}
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		d.structure(path, node, v)
	case reflect.Map:
		d.mapping(path, node, v)
	case reflect.Slice:
		d.sequence(path, node, v)
	default:
		if text, ok := d.text(path, node); ok {
			d.scalar(path, text, v)
		}
	}
}

// text returns the single value that node is, exactly as typed but for quotes.
func (d *document) text(path string, node ast.Node) (string, bool) {
	switch n := node.(type) {
	case *ast.SequenceNode:
		d.reject(path, "must be a single value, not a list")
	case *ast.MappingNode, *ast.MappingValueNode:
		d.reject(path, `must be a single value, not a group of keys (inside [ ], a text with ":" needs quotes)`)
	case *ast.NullNode:
		d.reject(path, `has no value; write one, or "" for an empty one`)
	case *ast.LiteralNode:
		return n.Value.Value, true
	case ast.ScalarNode:
		return n.GetToken().Value, true
	default:
		d.reject(path, "cannot be read: write a plain value")
	}
	return "", false
}

// scalar sets v, of a basic kind, from text.
func (d *document) scalar(path, text string, v reflect.Value) {
	switch {
	case v.Kind() == reflect.String:
		v.SetString(text)
	case v.Kind() == reflect.Bool:
		if text != "true" && text != "false" {
			d.reject(path, "must be true or false, not %q", text)
			return
		}
		v.SetBool(text == "true")
	case v.CanInt():
		i, err := strconv.ParseInt(text, 10, v.Type().Bits())
		if err != nil {
			d.reject(path, "must be a whole number, not %q", text)
			return
		}
		v.SetInt(i)
	case v.CanUint():
		i, err := strconv.ParseUint(text, 10, v.Type().Bits())
		if err != nil {
			d.reject(path, "must be a whole number from 0 to %d, not %q", uint64(1)<<v.Type().Bits()-1, text)
			return
		}
		v.SetUint(i)
	default:
		panic(fmt.Sprintf("configs: %s has the type %s, which no text can fill", path, v.Type()))
	}
}

func (d *document) structure(path string, node ast.Node, v reflect.Value) {
	t := v.Type()
	names, fields := make([]string, 0, t.NumField()), make(map[string]int, t.NumField())
	_, single := node.(ast.ScalarNode)
	for i := range t.NumField() {
		name, option, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ",")
		if name == "" || name == "-" {
			continue
		}
		if option == "alone" && single && node.Type() != ast.NullType {
			d.value(path, node, v.Field(i))
			return
		}
		names = append(names, name)
		fields[name] = i
	}
	d.each(path, node, func(key ast.MapKeyNode, name string, value ast.Node) {
		i, ok := fields[name]
		if !ok {
			d.misspelt[path] = true
			d.note(placeOfNode(key), path, fmt.Sprintf("unknown key %q; the keys here are %s", name, strings.Join(names, ", ")))
			return
		}
		d.value(child(path, name), value, v.Field(i))
	})
}

func (d *document) mapping(path string, node ast.Node, v reflect.Value) {
	v.Set(reflect.MakeMap(v.Type()))
	d.each(path, node, func(_ ast.MapKeyNode, name string, value ast.Node) {
		element := reflect.New(v.Type().Elem()).Elem()
		d.value(child(path, name), value, element)
		v.SetMapIndex(reflect.ValueOf(name).Convert(v.Type().Key()), element)
	})
}

// each calls f for every key of a mapping, once for each name.
func (d *document) each(path string, node ast.Node, f func(key ast.MapKeyNode, name string, value ast.Node)) {
	var pairs []*ast.MappingValueNode
	switch n := node.(type) {
	case *ast.MappingNode:
		pairs = n.Values
	case *ast.MappingValueNode:
		pairs = []*ast.MappingValueNode{n}
	case *ast.NullNode: // every key below it is commented out
	default:
		d.reject(path, `must be a group of keys, each written "name: value"`)
	}
	first := make(map[string]place, len(pairs))
	for _, pair := range pairs {
		name, at := pair.Key.GetToken().Value, placeOfNode(pair.Key)
		if before, repeated := first[name]; repeated {
			d.note(at, path, fmt.Sprintf("key %q is written twice; the first is on line %d", name, before.line))
			continue
		}
		first[name] = at
		f(pair.Key, name, pair.Value)
	}
}

func (d *document) sequence(path string, node ast.Node, v reflect.Value) {
	var items []ast.Node
	switch n := node.(type) {
	case *ast.SequenceNode:
		items = n.Values
	case *ast.NullNode: // every item below it is commented out
	default:
		d.reject(path, `must be a list: each item on its own line after "- ", or [one, two]`)
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(items), len(items)))
	for i, item := range items {
		d.value(fmt.Sprintf("%s[%d]", path, i), item, v.Index(i))
	}
}

func child(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// placeOfNode is where node begins: a mapping at its first key, not at the colon.
func placeOfNode(node ast.Node) place {
	switch n := node.(type) {
	case *ast.MappingNode:
		if !n.IsFlowStyle && len(n.Values) > 0 {
			return placeOf(n.Values[0].Key.GetToken())
		}
	case *ast.MappingValueNode:
		return placeOf(n.Key.GetToken())
	}
	return placeOf(node.GetToken())
}
