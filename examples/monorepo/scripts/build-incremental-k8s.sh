#!/usr/bin/env bash
exec shopflow build "$@"
