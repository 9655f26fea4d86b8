/* tests/property/watch.h — What a controller sees of the cluster, by its watches. */
#ifndef PROPERTY_WATCH_H
#define PROPERTY_WATCH_H
#include "property/model.h"

/* All of a kind as it is at this moment. */
void watch_copy(struct model *m, struct controller *c, enum kind kind);
/* Begin to list and watch ReplicaSets and pods, unless it is under way. */
void watch_pods(struct model *m, int which);

#endif
