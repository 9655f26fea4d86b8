/* controller/base/auto.h — Cleanup attributes: declare, use, return.
 *
 *     AUTO(arena) struct arena *a = arena_new(4096);   // arena_free(a) on every path
 *     *ret_arena = take(a);                            // unless handed over
 *
 * AUTO(x) needs AUTO_DEFINE(x, struct x *, x_free) once, beside the declaration of x_free. */
#ifndef BASE_AUTO_H
#define BASE_AUTO_H

#define AUTO(name) __attribute__((cleanup(auto_##name)))

#define AUTO_DEFINE(name, type, destroy)                                                           \
    static inline void auto_##name(type *p)                                                        \
    {                                                                                              \
        destroy(*p);                                                                               \
    }

/* Give a variable's value away and leave it empty, so that its cleanup does nothing. */
#define take(var)                                                                                  \
    __extension__({                                                                                \
        __typeof__(var) taken_ = (var);                                                            \
        (var) = NULL;                                                                              \
        taken_;                                                                                    \
    })

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif
