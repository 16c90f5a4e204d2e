# Every target is a command of tools/tasks.py, which also works where there is no make: python tools/tasks.py demo
PYTHON ?= python3
TARGETS := demo ui test test-hosts acceptance bench

.PHONY: $(TARGETS)
$(TARGETS):
	@$(PYTHON) tools/tasks.py $@ $(ARGS)
