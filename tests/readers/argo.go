package main

import (
	"context"
	"fmt"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// The libraries that Argo CD opens for a health script of argocd-cm; its os has only time and date.
var libraries = []struct {
	name string
	open lua.LGFunction
}{{lua.LoadLibName, lua.OpenPackage}, {lua.BaseLibName, lua.OpenBase}, {lua.TabLibName, lua.OpenTable}}

var healths = map[string]bool{"Healthy": true, "Progressing": true, "Degraded": true, "Suspended": true,
	"Missing": true, "Unknown": true}

// argoHealth runs a health script as Argo CD does: the object is the global obj, one second is all the
// time it has, and it returns a table with status and message.
func argoHealth(object map[string]any, script string) (string, error) {
	l := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer l.Close()
	for _, lib := range libraries {
		call := lua.P{Fn: l.NewFunction(lib.open), Protect: true}
		if err := l.CallByParam(call, lua.LString(lib.name)); err != nil {
			return "", err
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	l.SetContext(ctx)
	l.SetGlobal("obj", toLua(l, object))
	if err := l.DoString(script); err != nil {
		return "", err
	}
	health, ok := l.Get(-1).(*lua.LTable)
	if !ok {
		return "", fmt.Errorf("the script returned %s, not a table", l.Get(-1).Type())
	}
	status := lua.LVAsString(health.RawGetString("status"))
	if message := health.RawGetString("message"); message.Type() != lua.LTString {
		return "", fmt.Errorf("the message is %s, not a string", message.Type())
	}
	if !healths[status] {
		return "", fmt.Errorf("%q is no health", status)
	}
	return status, nil
}

func toLua(l *lua.LState, value any) lua.LValue {
	switch v := value.(type) {
	case bool:
		return lua.LBool(v)
	case string:
		return lua.LString(v)
	case int64:
		return lua.LNumber(v)
	case float64:
		return lua.LNumber(v)
	case []any:
		t := l.CreateTable(len(v), 0)
		for _, item := range v {
			t.Append(toLua(l, item))
		}
		return t
	case map[string]any:
		t := l.CreateTable(0, len(v))
		for key, item := range v {
			t.RawSetString(key, toLua(l, item))
		}
		return t
	}
	return lua.LNil
}
