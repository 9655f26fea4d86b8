# Warnings, hardening (OpenSSF's list, each flag where the compiler has it) and instrumentation, as
# one interface target that every target links.
include(CheckCCompilerFlag)
include(CheckLinkerFlag)

add_library(flags INTERFACE)
target_compile_definitions(flags INTERFACE _GNU_SOURCE SHOPFLOW_VERSION="${PROJECT_VERSION}")

set(WARNINGS -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes
    -Wold-style-definition -Wvla -Wformat=2 -Wundef -Wswitch-enum -Wwrite-strings
    -Wno-format-nonliteral)
target_compile_options(flags INTERFACE ${WARNINGS} $<$<BOOL:${SHOPFLOW_WERROR}>:-Werror>)

set(HARDENING -fstack-clash-protection -fstack-protector-strong -fcf-protection=full
    -ftrivial-auto-var-init=zero -fno-delete-null-pointer-checks -fno-strict-overflow)
set(HARDENED_LINKING -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack -Wl,--as-needed)

foreach(flag IN LISTS HARDENING)
    string(MAKE_C_IDENTIFIER "HAS${flag}" has)
    check_c_compiler_flag(${flag} ${has})
    if(${has})
        target_compile_options(flags INTERFACE ${flag})
    endif()
endforeach()
foreach(flag IN LISTS HARDENED_LINKING)
    string(MAKE_C_IDENTIFIER "HAS${flag}" has)
    check_linker_flag(C ${flag} ${has})
    if(${has})
        target_link_options(flags INTERFACE ${flag})
    endif()
endforeach()
target_link_options(flags INTERFACE -pie)

if(SHOPFLOW_SANITIZE)
    target_compile_options(flags INTERFACE -fsanitize=${SHOPFLOW_SANITIZE}
                           -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(flags INTERFACE -fsanitize=${SHOPFLOW_SANITIZE})
elseif(CMAKE_BUILD_TYPE STREQUAL "Release" OR CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo")
    target_compile_options(flags INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
endif()
if(SHOPFLOW_COVERAGE)
    target_compile_options(flags INTERFACE --coverage -O0)
    target_link_options(flags INTERFACE --coverage)
endif()
if(SHOPFLOW_FUZZ)
    target_compile_options(flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
