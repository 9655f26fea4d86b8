/* controller/reconcile/zones.h — Time zones by name, from the system's IANA database.
 *
 * Each is read once, when a spec first names it, and kept: there are some 600 of 2 KiB. */
#ifndef RECONCILE_ZONES_H
#define RECONCILE_ZONES_H
struct arena;
struct release_spec;

/* Give the spec's freeze windows their zones. NULL, or what is wrong with the spec. */
const char *zones_find(struct release_spec *spec, struct arena *a);
void zones_free(void); /* at the end; no spec may be used any more */

#endif
