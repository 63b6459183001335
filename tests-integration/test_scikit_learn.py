"""scikit-learn on a Pool, by way of joblib."""

from __future__ import annotations

import joblib
import numpy as np
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.svm import SVC

from suitkaise.processing import register_joblib

GRID = {"C": [0.1, 1.0, 10.0], "kernel": ["linear", "rbf"]}


def test_a_grid_search_finds_the_same_as_in_one_process() -> None:
    register_joblib()
    samples, classes = load_iris(return_X_y=True)
    alone = GridSearchCV(SVC(random_state=0), GRID).fit(samples, classes)

    with joblib.parallel_config(backend="suitkaise"):
        search = GridSearchCV(SVC(random_state=0), GRID, n_jobs=2).fit(samples, classes)

    assert search.best_params_ == alone.best_params_
    for name in ("mean_test_score", "std_test_score", "rank_test_score"):
        assert np.array_equal(search.cv_results_[name], alone.cv_results_[name])


def test_an_estimator_that_is_parallel_itself_runs_in_a_task() -> None:
    register_joblib()
    samples, classes = load_iris(return_X_y=True)
    forest = RandomForestClassifier(n_estimators=5, random_state=0, n_jobs=2)
    alone = cross_val_score(forest, samples, classes, cv=3)

    with joblib.parallel_config(backend="suitkaise", n_jobs=2):
        scores = cross_val_score(forest, samples, classes, cv=3, n_jobs=2)

    assert np.array_equal(scores, alone)
