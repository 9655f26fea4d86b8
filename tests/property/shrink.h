/* tests/property/shrink.h — A smaller script that breaks the same property. */
#ifndef PROPERTY_SHRINK_H
#define PROPERTY_SHRINK_H
#include "property/script.h"

void script_shrink(struct script *s, const char *property);

#endif
