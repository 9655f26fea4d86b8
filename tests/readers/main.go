// Shows AppReleases to those who read their conditions, and compares what they make of them with a table.
//
//	readers TABLE HEALTH.LUA <OBJECTS
//
// OBJECTS are lines of JSON, {"case": …, "at": …, "object": {…}}, as golden --dump prints them. The
// readers are kstatus as kubectl's tools have it (sigs.k8s.io/cli-utils), kstatus as Flux and Helm 4
// have it (github.com/fluxcd/cli-utils), and Argo CD's health script in the Lua that Argo CD embeds.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path"
	"strings"

	flux "github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	sig "sigs.k8s.io/cli-utils/pkg/kstatus/status"
)

// A row of the table: what the conditions look like, and what must be made of them.
type row struct {
	line       int
	conditions [4]string // Ready, its reason, Reconciling, Stalled
	want       verdicts
	later      bool
	met        int
}

type verdicts struct{ kstatus, flux, argo string }

// What a spec means that the controller has not seen: nobody may call it done.
var unseen = verdicts{"InProgress", "InProgress", "Progressing"}

type sample struct {
	Case   string
	At     float64
	Object unstructured.Unstructured // decoded as a Go client does: whole numbers are int64
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: readers TABLE HEALTH.LUA <OBJECTS")
		os.Exit(2)
	}
	rows := readTable(os.Args[1])
	script, err := os.ReadFile(os.Args[2])
	check(err)
	seen, failed, behind := 0, 0, 0
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<22)
	for lines.Scan() {
		var s sample
		check(json.Unmarshal(lines.Bytes(), &s))
		problem := judge(rows, s.Object.Object, string(script), &behind)
		seen++
		if problem != "" {
			failed++
			fmt.Printf("FAILED  %s at %g s: %s\n", s.Case, s.At, problem)
		}
	}
	check(lines.Err())
	if behind == 0 {
		failed++
		fmt.Println("FAILED  no object is of a generation that the controller has not seen")
	}
	failed += reportRows(rows, os.Args[1])
	if got, err := argoHealth(map[string]any{"metadata": map[string]any{"generation": int64(1)}}, string(script)); got != "Progressing" {
		failed++
		fmt.Printf("FAILED  without a status: Argo CD %s: %v\n", got, err)
	}
	fmt.Printf("%d objects, %d of them not seen yet, %d failures\n", seen, behind, failed)
	if failed > 0 {
		os.Exit(1)
	}
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "readers:", err)
		os.Exit(2)
	}
}

func readTable(name string) []*row {
	text, err := os.ReadFile(name)
	check(err)
	var rows []*row
	for i, line := range strings.Split(string(text), "\n") {
		f := strings.Fields(line)
		if len(f) == 0 || strings.HasPrefix(f[0], "#") {
			continue
		}
		later := len(f) == 7 && f[6] == "later"
		if len(f) != 6 && !later {
			check(fmt.Errorf("%s:%d: a row has six columns, and may end with later", name, i+1))
		}
		rows = append(rows, &row{line: i + 1, conditions: [4]string(f[:4]),
			want: verdicts{f[4], f[4], f[5]}, later: later})
	}
	return rows
}

// What is wrong with what the readers make of it; "" for nothing.
func judge(rows []*row, object map[string]any, script string, behind *int) string {
	conditions, want := conditionsOf(object), unseen
	if !isSeen(object) {
		*behind++
	} else if r := find(rows, conditions); r != nil {
		r.met++
		want = r.want
	} else {
		return fmt.Sprintf("no row of the table has the conditions %s", strings.Join(conditions[:], " "))
	}
	got, err := read(object, script)
	if err != nil {
		return err.Error()
	}
	if got != want {
		return fmt.Sprintf("%s: kstatus %s, Flux %s, Argo CD %s; wanted %s, %s, %s", strings.Join(conditions[:], " "),
			got.kstatus, got.flux, got.argo, want.kstatus, want.flux, want.argo)
	}
	return ""
}

func read(object map[string]any, script string) (verdicts, error) {
	u := &unstructured.Unstructured{Object: object}
	a, err := sig.Compute(u)
	if err != nil {
		return verdicts{}, fmt.Errorf("kstatus: %w", err)
	}
	b, err := flux.Compute(u)
	if err != nil {
		return verdicts{}, fmt.Errorf("Flux: %w", err)
	}
	c, err := argoHealth(object, script)
	if err != nil {
		return verdicts{}, fmt.Errorf("Argo CD: %w", err)
	}
	return verdicts{string(a.Status), string(b.Status), c}, nil
}

func isSeen(object map[string]any) bool {
	generation, _, _ := unstructured.NestedInt64(object, "metadata", "generation")
	observed, found, _ := unstructured.NestedInt64(object, "status", "observedGeneration")
	return found && observed == generation
}

// Ready, its reason, Reconciling and Stalled; "-" where there is none.
func conditionsOf(object map[string]any) [4]string {
	got := [4]string{"-", "-", "-", "-"}
	list, _, _ := unstructured.NestedSlice(object, "status", "conditions")
	for _, item := range list {
		c, _ := item.(map[string]any)
		status, _ := c["status"].(string)
		switch c["type"] {
		case "Ready":
			got[0] = status
			got[1], _ = c["reason"].(string)
		case "Reconciling":
			got[2] = status
		case "Stalled":
			got[3] = status
		}
	}
	return got
}

func find(rows []*row, conditions [4]string) *row {
	for _, r := range rows {
		fits := true
		for i, pattern := range r.conditions {
			ok, err := path.Match(pattern, conditions[i])
			check(err)
			fits = fits && ok
		}
		if fits {
			return r
		}
	}
	return nil
}

// A row that nothing is like proves nothing.
func reportRows(rows []*row, name string) int {
	failed := 0
	for _, r := range rows {
		text := strings.Join(r.conditions[:], " ")
		if r.met == 0 && !r.later {
			failed++
			fmt.Printf("FAILED  %s:%d: no golden case has %s\n", name, r.line, text)
		} else if r.met > 0 && r.later {
			fmt.Printf("note    %s:%d: %s is there: take the word later away\n", name, r.line, text)
		}
	}
	return failed
}
